// Fine-tuning with an adapter as a user does it: train, verify, run, merge. The PEFT folder is read
// by a parser that is not ours (check_peft.py).

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "files/atomic_file.h"
#include "program.h"
#include "tiny_recipe.h"

namespace avocado {
namespace {

using test::ProgramResult;
using test::run_program;

const std::string kBase = test::kTinyModelTables + R"([data]
train = ["base.txt"]
[train]
steps = 4
rows = 2
)";

const char* const kAdapter = R"([model]
base = "base/final.gguf"
[adapter]
kind = "KIND"
rank = 4
targets = ["attn_q", "k_proj", "blk.1.ffn_*"]
[data]
train = ["more.txt"]
[train]
steps = 6
rows = 2
lr = 1e-2
checkpoint_every = 2
digest_every = 2
)";

class AdapterProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_.file("base.toml")) << kBase;
    std::string text;
    for (int i = 0; i < 200; ++i) text += "ripe green avocado tree ";
    std::ofstream(folder_.file("base.txt")) << text;
    text.clear();
    for (int i = 0; i < 200; ++i) text += "a stone in the fruit ";
    std::ofstream(folder_.file("more.txt")) << text;
    must({"train", folder_.file("base.toml"), "--out", folder_.file("base")});
  }
  void write_recipe(const std::string& kind) {
    std::string text = kAdapter;
    text.replace(text.find("KIND"), 4, kind);
    std::ofstream(folder_.file("adapter.toml")) << text;
  }
  std::string must(const std::vector<std::string>& arguments) {
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.code, 0) << arguments[0] << ": " << result.err;
    return result.out;
  }
  std::string digest(const std::string& model, const std::vector<std::string>& lora = {}) {
    std::vector<std::string> arguments = {"logits", model, "--text", "a ripe stone", "--digest"};
    for (const std::string& adapter : lora) {
      arguments.push_back("--lora");
      arguments.push_back(adapter);
    }
    return must(arguments);
  }

  test::TempFolder folder_;
};

TEST_F(AdapterProgram, TrainVerifyRunAndMerge) {
  const std::string base = folder_.file("base/final.gguf");
  for (const std::string kind : {"lora", "rslora", "dora"}) {
    write_recipe(kind);
    const std::string run = folder_.file(kind);
    must({"train", folder_.file("adapter.toml"), "--out", run});
    EXPECT_NE(must({"verify", run}).find("passed"), std::string::npos);
    const std::string receipt = folder_.file(kind + ".json");
    must({"receipt", run, "-o", receipt});
    for (const char* file : {"/adapter.gguf", "/adapter"})
      must({"verify", "--receipt", receipt, run + file});
    EXPECT_FALSE(std::filesystem::exists(run + "/final.gguf"));

    const std::string both = digest(base, {run + "/adapter.gguf"});
    EXPECT_NE(both, digest(base));
    EXPECT_EQ(both, digest(base, {run + "/adapter"}));
    EXPECT_EQ(both, digest(base, {run + "/adapter:1.0"}));
    EXPECT_EQ(digest(base), digest(base, {run + "/adapter.gguf:0"}));
    must({"merge", base, run + "/adapter", "-o", run + "/merged.gguf"});
    EXPECT_NE(digest(run + "/merged.gguf"), digest(base));
    must({"run", base, "ripe", "-n", "4", "--lora", run + "/adapter.gguf"});

    if (std::system("python3 -c 'import json' >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "there is no python3 to read the PEFT folder";
    EXPECT_EQ(std::system(("python3 " AVOCADO_CHECK_PEFT " " + run + "/adapter " + kind + " " +
                           base + " " + run + "/adapter.gguf")
                              .c_str()),
              0);
  }
}

// What DPO compares with is the base, because an adapter begins as nothing.
TEST_F(AdapterProgram, PairsTeachAnAdapter) {
  std::ofstream pairs(folder_.file("pairs.jsonl"));
  for (int i = 0; i < 20; ++i)
    pairs << R"({"prompt": "ripe ", "chosen": "avocado )" << i << R"(", "rejected": "stone )" << i
          << "\"}\n";
  pairs.close();
  write_recipe("lora");
  std::string text = read_text_file(folder_.file("adapter.toml"));
  text.replace(text.find("more.txt"), 8, "pairs.jsonl");
  std::ofstream(folder_.file("adapter.toml")) << text << "loss = \"dpo\"\n";
  const std::string run = folder_.file("run");
  must({"train", folder_.file("adapter.toml"), "--out", run});
  EXPECT_NE(must({"verify", run}).find("passed"), std::string::npos);
  std::vector<nlohmann::json> steps;
  std::ifstream log(run + "/metrics.jsonl");
  for (std::string line; std::getline(log, line);)
    if (auto record = nlohmann::json::parse(line); record["kind"] == "step")
      steps.push_back(record);
  ASSERT_EQ(steps.size(), 6u);
  EXPECT_EQ(steps.front()["chosen_reward"], 0.0);
  EXPECT_EQ(steps.front()["rejected_reward"], 0.0);
  EXPECT_GT(steps.back()["chosen_reward"], steps.back()["rejected_reward"]);
  const std::string base = folder_.file("base/final.gguf");
  EXPECT_NE(digest(base, {run + "/adapter.gguf"}), digest(base));
}

TEST_F(AdapterProgram, MistakesAreOneMessage) {
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& message) {
    const ProgramResult result = run_program(arguments);
    EXPECT_NE(result.code, 0);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  write_recipe("lore");
  fails({"train", folder_.file("adapter.toml"), "--out", folder_.file("x")},
        "adapter.toml:4:8: [adapter]: kind = \"lore\"; it must be one of lora, rslora, dora");
  write_recipe("lora\"\ntarget = \"q");
  fails({"train", folder_.file("adapter.toml"), "--out", folder_.file("x")},
        "unknown key \"target\"");
  const std::string base = folder_.file("base/final.gguf");
  fails({"logits", base, "--text", "a", "--lora", base}, "an adapter is wanted here");
  fails({"logits", base, "--text", "a", "--lora", "nowhere.gguf"}, "nowhere.gguf");
  fails({"logits", base, "--text", "a", "--lora", "nowhere.gguf:x"}, "behind the colon");
}

}  // namespace
}  // namespace avocado
