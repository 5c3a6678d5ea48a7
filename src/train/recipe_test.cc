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
  EXPECT_EQ(recipe.data.row_tokens, 64);
  EXPECT_EQ(recipe.tokenizer_vocab, 512);
  EXPECT_EQ(recipe.data.train, (std::vector<DataSource>{{.path = "a.txt"}, {.path = "b.jsonl"}}));
  EXPECT_FALSE(recipe.data.has_eval());
  EXPECT_FALSE(recipe.data.refuse_bad_lines);
  EXPECT_FALSE(recipe.data.drop_long);
  EXPECT_EQ(recipe.options.min_lr, recipe.options.lr / 10);
  EXPECT_EQ(recipe.run.eval_every, 0);
}

TEST(Recipe, PrecisionAndMemory) {
  const auto with = [](const std::string& lines) {
    return parse_recipe(kGood + lines, "run.toml");
  };
  EXPECT_EQ(with("").options.precision, "f32");
  const Recipe recipe = with("precision = \"bf16\"\nrecompute = true\nmemory = \"2GiB\"\n");
  EXPECT_EQ(recipe.options.precision, "bf16");
  EXPECT_TRUE(recipe.run.recompute);
  EXPECT_EQ(recipe.run.memory, uint64_t{2} << 30);
  // Only the precision is part of what defines the result.
  EXPECT_NE(recipe_to_json(recipe), recipe_to_json(with("")));
  EXPECT_EQ(recipe_to_json(recipe), recipe_to_json(with("precision = \"bf16\"\n")));
  EXPECT_NE(problem(kGood + "precision = \"f16\"\n").find("precision = \"f16\""),
            std::string::npos);
  EXPECT_NE(problem(kGood + "memory = \"2GB\"\n").find("8GiB"), std::string::npos);
}

TEST(Recipe, ArchitectureBringsItsOwnFlags) {
  const Recipe recipe = parse_recipe(replaced("\"llama\"", "\"qwen3\""), "run.toml");
  EXPECT_TRUE(recipe.model.qk_norm);
}

TEST(Recipe, SourcesStandBesideTheListOfFiles) {
  const std::string sources = R"(eval_share = 0.25
bad_lines = "refuse"
too_long = "drop"
[[data.source]]
path = "c.jsonl.zst"
weight = 2.5
format = "alpaca"
[[data.source]]
path = "d.txt"
)";
  const Recipe recipe = parse_recipe(replaced("\n[train]", sources + "[train]"), "run.toml");
  EXPECT_EQ(recipe.data.train,
            (std::vector<DataSource>{
                {.path = "a.txt"},
                {.path = "b.jsonl"},
                {.path = "c.jsonl.zst", .weight = 2.5, .format = DocumentFormat::alpaca},
                {.path = "d.txt"}}));
  EXPECT_EQ(recipe.data.eval_share, 0.25);
  EXPECT_TRUE(recipe.data.refuse_bad_lines);
  EXPECT_TRUE(recipe.data.drop_long);
  EXPECT_EQ(recipe.run.eval_every, 100);
  EXPECT_EQ(recipe_to_json(recipe)["data"].dump(),
            R"({"train":["a.txt","b.jsonl",{"path":"c.jsonl.zst","weight":2.5,"format":"alpaca"},)"
            R"("d.txt"],"eval":[],"row_tokens":64,"eval_share":0.25,"bad_lines":"refuse",)"
            R"("too_long":"drop"})");
  // With sources, a list is not needed.
  const Recipe alone = parse_recipe(
      replaced("train = [\"a.txt\", \"b.jsonl\"]\n", "[[data.source]]\npath = \"a.txt\"\n"),
      "run.toml");
  EXPECT_EQ(alone.data.train, (std::vector<DataSource>{{.path = "a.txt"}}));
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
       "eval_every = 5 but [data] has neither eval files nor eval_share"},
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
      {replaced("[data]", "[data]\neval_share = 1"),
       "eval_share = 1; it must be from 0 to below 1"},
      {replaced("[data]", "[data]\neval_share = nan"), "eval_share = nan"},
      {replaced("[data]", "[data]\nbad_lines = \"ignore\""),
       "bad_lines = \"ignore\"; it must be \"drop\" or \"refuse\""},
      {replaced("[data]", "[data]\nsource = 3"), "source must be a list of sections"},
      {replaced("[data]", "[data]\nsource = [3]"), "source must be a list of sections"},
      {replaced("\n[train]", "[[data.source]]\nweight = 2\n[train]"),
       "run.toml:14:1: [data] source: path is missing"},
      {replaced("\n[train]", "[[data.source]]\npath = \"x\"\nweight = 0\n[train]"),
       "run.toml:16:10: [data] source: weight = 0; it must be above 0"},
      {replaced("\n[train]", "[[data.source]]\npath = \"x\"\nformat = \"csv\"\n[train]"),
       "format = \"csv\"; known are auto, plain, jsonl"},
      {replaced("\n[train]", "[[data.source]]\npath = \"x\"\nwheight = 1\n[train]"),
       "[data] source unknown key \"wheight\""},
      {replaced("architecture = \"llama\"", "base = \"x.gguf\""),
       "run.toml:9:1: [tokenizer] has no place"},
      {replaced("steps = 10", "steps = 10\noptimizer = \"adam\""),
       "run.toml:17:13: [train]: optimizer = \"adam\"; known are \"adamw\", \"muon\""},
      {replaced("steps = 10", "steps = 10\noptimizer = \"sgd\"\nbeta1 = 0.9"),
       "run.toml:18:1: [train] unknown key \"beta1\""},
      {replaced("steps = 10", "steps = 10\nmomentum = 0.9"), "unknown key \"momentum\""},
      {replaced("steps = 10", "steps = 10\noptimizer_state = \"4bit\""),
       "optimizer_state = \"4bit\"; it must be \"f32\" or \"8bit\""},
      {replaced("steps = 10", "steps = 10\nschedule = \"wsd\"\ndecay_steps = 11"),
       "run.toml:18:15: [train]: decay_steps = 11; it must be from 0 to 10"},
      {replaced("steps = 10", "steps = 10\ndecay_steps = 3"), "unknown key \"decay_steps\""},
      {replaced("steps = 10", "steps = 10\nschedule = \"constant\"\nmin_lr = 0"),
       "unknown key \"min_lr\""},
      {replaced("steps = 10", "steps = 10\nema = 1"), "ema = 1; it must be from 0 to"},
      {replaced("steps = 10", "steps = 10\nspike = { factor = 1 }"),
       "factor = 1; it must be above"},
      {replaced("steps = 10", "steps = 10\nspike = { windows = 9 }"), "unknown key \"windows\""},
      {replaced("steps = 10", "steps = 10\n[[train.group]]\nlr_scale = 2"), "match is missing"},
      {replaced("steps = 10", "steps = 10\n[[train.group]]\nmatch = \"a\"\nlr = 2"),
       "unknown key \"lr\""},
      {replaced("steps = 10", "steps = 10\n[[train.group]]\nmatch = \"a\"\nlr_scale = -2"),
       "group \"a\": lr_scale = -2; it must be from 0"},
      {replaced("steps = 10", "steps = 10\ngroup = \"a\""), "group must be a list of sections"},
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
  for (const DataSource& source : dpo.data.train)
    EXPECT_EQ(source.format, DocumentFormat::preference);
  EXPECT_TRUE(dpo.data.drop_long);
  const std::string source = "[[data.source]]\npath = \"x\"\nformat = \"";
  EXPECT_NE(problem(replaced("\n[train]", source + "preference\"\n[train]"))
                .find("x is read as \"preference\", which loss = \"next-token\" cannot learn from"),
            std::string::npos);
  EXPECT_NE(problem(replaced("\n[train]\nsteps = 10",
                             source + "text\"\n[train]\nsteps = 10\nloss = \"dpo\""))
                .find("it takes \"preference\""),
            std::string::npos);
  for (const Recipe* recipe : {&usual, &dpo, &simpo})
    EXPECT_EQ(options_from_json(options_to_json(recipe->options), "test"), recipe->options);
}

TEST(Recipe, OptimizerScheduleAndGroups) {
  const Recipe recipe = parse_recipe(replaced("steps = 10", R"(steps = 100
optimizer = "muon"
optimizer_state = "8bit"
schedule = "wsd"
decay_shape = "sqrt"
ema = 0.99
spike = { window = 20, factor = 3 }

[[train.group]]
match = "blk.*.attn_*"
lr_scale = 0.5

[[train.group]]
match = "token_embd.weight"
weight_decay = 0
)"),
                                     "run.toml");
  const TrainOptions& o = recipe.options;
  EXPECT_EQ(o.optimizer, "muon");
  EXPECT_EQ(o.momentum, 0.95);  // as its authors use it
  EXPECT_TRUE(o.nesterov);
  EXPECT_EQ(o.decay_steps, 10);
  EXPECT_EQ(recipe.run.spike.window, 20);
  EXPECT_EQ(recipe.run.spike.factor, 3);
  ASSERT_EQ(o.groups.size(), 2u);
  EXPECT_EQ(o.groups[0].lr_scale, 0.5);
  EXPECT_FALSE(o.groups[0].weight_decay);
  EXPECT_EQ(o.groups[1].weight_decay, 0.0);
  EXPECT_EQ(options_from_json(options_to_json(o), "run.json"), o);
  EXPECT_EQ(parse_recipe(replaced("steps = 10", "steps = 10\noptimizer = \"lion\""), "run.toml")
                .options.beta2,
            0.99);
  EXPECT_EQ(parse_recipe(replaced("steps = 10", "steps = 10\nschedule = \"constant\""), "run.toml")
                .options.min_lr,
            1e-3);
}

TEST(Recipe, SlipsAreNamed) {
  EXPECT_NE(
      problem(replaced("steps = 10", "steps = 10\nwarmpu = 2")).find("did you mean \"warmup\"?"),
      std::string::npos);
  EXPECT_NE(
      problem(replaced("steps = 10", "stesp = 10")).find("steps is missing (there is \"stesp\")"),
      std::string::npos);
  EXPECT_NE(problem(replaced("[train]", "[trian]")).find("[train] is missing (there is \"trian\")"),
            std::string::npos);
  EXPECT_EQ(problem(replaced("steps = 10", "steps = 10\nzebra = 2")).find("did you mean"),
            std::string::npos);
}

TEST(Recipe, Samples) {
  const std::string given = "steps = 10\nsamples = [\"Once\", \"むかし\"]";
  const RunOptions usual = parse_recipe(replaced("steps = 10", given), "run.toml").run;
  EXPECT_EQ(usual.samples, (std::vector<std::string>{"Once", "むかし"}));
  EXPECT_EQ(usual.sample_every, 500);
  EXPECT_EQ(usual.sample_tokens, 64);
  EXPECT_EQ(usual.sample_temperature, 0);
  const RunOptions all =
      parse_recipe(replaced("steps = 10", given + "\nsample_every = 7\nsample_tokens = 3\n"
                                                  "sample_temperature = 0.5"),
                   "run.toml")
          .run;
  EXPECT_EQ(all.sample_every, 7);
  EXPECT_EQ(all.sample_tokens, 3);
  EXPECT_EQ(all.sample_temperature, 0.5);
  EXPECT_EQ(parse_recipe(replaced("steps = 10", "steps = 10"), "run.toml").run.sample_every, 0);
  for (const char* bad :
       {"sample_every = 5", "samples = \"Once\"", "samples = [3]",
        "samples = [\"a\"]\nsample_tokens = 0", "samples = [\"a\"]\nsample_temperature = -1",
        "samples = [\"a\"]\nsample_temperature = nan"})
    EXPECT_NE(problem(replaced("steps = 10", std::string("steps = 10\n") + bad)).find("sample"),
              std::string::npos)
        << bad;
}

TEST(Recipe, BaseNeedsNoTokenizer) {
  const std::string base =
      "[model]\nbase = \"x.gguf\"\n[data]\ntrain = [\"a.txt\"]\n[train]\nsteps = 1\n";
  EXPECT_EQ(parse_recipe(base, "run.toml").base, "x.gguf");
  EXPECT_NE(problem(base + "[tokenizer]\nfile = \"y.gguf\"\n").find("has no place beside"),
            std::string::npos);
}

TEST(Recipe, Adapter) {
  const std::string base =
      "[model]\nbase = \"x.gguf\"\n[data]\ntrain = [\"a.txt\"]\n[train]\nsteps = 1\nseed = 5\n";
  EXPECT_FALSE(parse_recipe(base, "run.toml").adapter.has_value());
  EXPECT_FALSE(parse_recipe(base + "[adapter]\nkind = \"none\"\n", "run.toml").adapter.has_value());
  const AdapterOptions usual = parse_recipe(base + "[adapter]\n", "run.toml").adapter.value();
  EXPECT_EQ(usual, (AdapterOptions{.seed = 5}));
  const AdapterOptions given =
      parse_recipe(
          base + "[adapter]\nkind = \"rslora\"\nrank = 4\ntargets = [\"attn_q\"]\nseed = 7\n",
          "run.toml")
          .adapter.value();
  EXPECT_EQ(given, (AdapterOptions{"rslora", 4, 8, {"attn_q"}, 7}));
  EXPECT_EQ(adapter_from_json(adapter_to_json(given), "run.json"), given);
  EXPECT_NE(problem(base + "[adapter]\nrank = 0\n").find("rank = 0; it must be from 1"),
            std::string::npos);
  EXPECT_NE(problem(base + "[adapter]\nkind = \"ia3\"\n").find("one of lora, rslora, dora"),
            std::string::npos);
  EXPECT_NE(problem(base + "[adapter]\ntargets = \"attn_q\"\n").find("a list of matrices"),
            std::string::npos);
  EXPECT_NE(problem(kGood + "[adapter]\n").find("give [model] base"), std::string::npos);
}

}  // namespace
}  // namespace avocado
