#include "train/recipe.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace avocado {
namespace {

const std::string kGood = R"([model]
architecture = "llama"
width = 64
layers = 2
heads = 4
ffn = 128
context = 64

[tokenizer]
train = { vocab_size = 512 }

[data]
train = ["a.txt", "b.jsonl"]

[train]
steps = 10
)";

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string problem(const std::string& text) {
  try {
    parse_recipe(text, "run.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    return error.what();
  }
  return "";
}

TEST(Recipe, Defaults) {
  const Recipe recipe = parse_recipe(kGood, "run.toml");
  EXPECT_EQ(recipe.model.kv_heads, 4);
  EXPECT_EQ(recipe.model.head_dim, 16);
  EXPECT_EQ(recipe.model.rope_dim, 16);
  EXPECT_EQ(recipe.row_tokens, 64);
  EXPECT_EQ(recipe.tokenizer_vocab, 512);
  EXPECT_EQ(recipe.train, (std::vector<std::string>{"a.txt", "b.jsonl"}));
  EXPECT_EQ(recipe.options.min_lr, recipe.options.lr / 10);
  EXPECT_EQ(recipe.run.eval_every, 0);
}

TEST(Recipe, ArchitectureBringsItsOwnFlags) {
  const Recipe recipe = parse_recipe(replaced("\"llama\"", "\"qwen3\""), "run.toml");
  EXPECT_TRUE(recipe.model.qk_norm);
}

TEST(Recipe, RunOptionsAreNotInTheNormalForm) {
  Recipe recipe = parse_recipe(kGood, "run.toml");
  const auto before = recipe_to_json(recipe);
  recipe.run.keep = 17;
  EXPECT_EQ(recipe_to_json(recipe), before);
  recipe.options.lr = 0.5;
  EXPECT_NE(recipe_to_json(recipe), before);
}

TEST(Recipe, ErrorsNameLineAndMending) {
  struct Case {
    std::string text, expected;
  };
  const std::vector<Case> cases = {
      {replaced("steps = 10", "steps = 10\nstepz = 3"),
       "run.toml:17:1: [train] unknown key \"stepz\""},
      {replaced("width = 64", "largeur é = 64"), "run.toml:3:9: "},
      {replaced("width = 64", "幅 = 64"), "run.toml:3:1: "},
      {replaced("width = 64", "width = 64 é"), "run.toml:3:12: "},
      {replaced("\"a.txt\"", "\"a\xe9.txt\""), "invalid utf-8"},
      {replaced("width = 64", "width = \"64\""),
       "run.toml:3:9: [model]: width must be a whole number"},
      {replaced("width = 64", "width = 64.0"), "width must be a whole number"},
      {replaced("width = 64", "width = -3"), "width = -3; it must be from 1"},
      {replaced("width = 64", "width = 66"), "width 66 is not a multiple of 4 heads"},
      {replaced("width = 64\n", ""), "run.toml:1:1: [model]: width is missing"},
      {replaced("steps = 10", "steps = 10\nlr = nan"), "lr = nan; it must be from 0"},
      {replaced("steps = 10", "steps = 10\nwarmup = 11"), "warmup = 11; it must be from 0 to 10"},
      {replaced("steps = 10", "steps = 10\nlr = 1e-3\nmin_lr = 1e-2"),
       "min_lr = 0.01; it must be from 0 to 0.001"},
      {replaced("steps = 10", "steps = 10\nseed = -1"), "seed = -1"},
      {replaced("steps = 10", "steps = 10\neval_every = 5"),
       "eval_every = 5 but [data] names no eval files"},
      {replaced("steps = 10", "steps = 10\nloss = \"ppo\""),
       "run.toml:17:8: [train]: loss = \"ppo\"; it must be \"next-token\""},
      {replaced("steps = 10", "steps = 10\nbeta = 1"), "unknown key \"beta\""},
      {replaced("steps = 10", "steps = 10\nloss = \"simpo\"\nlabel_smoothing = 0.1"),
       "unknown key \"label_smoothing\""},
      {replaced("steps = 10", "steps = 10\nloss = \"dpo\"\nlabel_smoothing = 0.5"),
       "label_smoothing = 0.5; it must be from 0"},
      {replaced("\"llama\"", "\"lama\""), "lama"},
      {replaced("[train]\nsteps = 10", "trian = 3"), "the section [train] is missing"},
      {replaced("[\"a.txt\", \"b.jsonl\"]", "[]"), "train names no files"},
      {replaced("[\"a.txt\", \"b.jsonl\"]", "\"a.txt\""),
       "run.toml:13:9: [data]: train must be a list of files"},
      {replaced("train = { vocab_size = 512 }", "file = \"x.gguf\"\ntrain = { vocab_size = 512 }"),
       "give either file"},
      {replaced("vocab_size = 512", "vocab_size = 3"), "vocab_size = 3; it must be from"},
      {replaced("vocab_size = 512", "vocab_size = 512, pre_tokenizer = \"x\""),
       "pre_tokenizer \"x\" is not known"},
      {replaced("vocab_size = 512", "vocabsize = 512"), "vocab_size is missing"},
      {replaced("context = 64", "context = 64\ncontext = 32"), "run.toml:8:"},
      {replaced("[data]", "[data"), "run.toml:"},
      {replaced("[data]", "[data]\nrow_tokens = 65"), "row_tokens = 65 is above the context of 64"},
      {replaced("architecture = \"llama\"", "base = \"x.gguf\""),
       "run.toml:9:1: [tokenizer] has no place"},
      {"", "the section [model] is missing"},
      {"model = 3", "model must be a section"},
  };
  for (const Case& c : cases) {
    const std::string found = problem(c.text);
    EXPECT_NE(found.find(c.expected), std::string::npos)
        << "expected: " << c.expected << "\nfound: " << found;
  }
}

TEST(Recipe, LossesOfPairs) {
  const Recipe usual = parse_recipe(kGood, "run.toml");
  EXPECT_FALSE(usual.options.prefers());
  EXPECT_FALSE(recipe_to_json(usual)["train"].contains("beta"));
  const Recipe dpo = parse_recipe(replaced("steps = 10", "steps = 10\nloss = \"dpo\""), "run.toml");
  EXPECT_TRUE(dpo.options.prefers());
  EXPECT_EQ(dpo.options.beta, 0.1);
  const Recipe simpo =
      parse_recipe(replaced("steps = 10", "steps = 10\nloss = \"simpo\"\ngamma = 0.5"), "run.toml");
  EXPECT_EQ(simpo.options.beta, 2);
  EXPECT_EQ(simpo.options.gamma, 0.5);
  for (const Recipe* recipe : {&usual, &dpo, &simpo})
    EXPECT_EQ(options_from_json(options_to_json(recipe->options), "test"), recipe->options);
}

TEST(Recipe, BaseNeedsNoTokenizer) {
  const std::string base =
      "[model]\nbase = \"x.gguf\"\n[data]\ntrain = [\"a.txt\"]\n[train]\nsteps = 1\n";
  EXPECT_EQ(parse_recipe(base, "run.toml").base, "x.gguf");
  EXPECT_NE(problem(base + "[tokenizer]\nfile = \"y.gguf\"\n").find("has no place beside"),
            std::string::npos);
}

}  // namespace
}  // namespace avocado
