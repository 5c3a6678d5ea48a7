#include "train/reference.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "models/registry.h"
#include "train/prepare.h"
#include "train/run.h"
#include "train/test_pairs.h"
#include "train/verify.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kVocab = 64, kRowTokens = 24, kSteps = 12;

Dataset make_pairs(int32_t stride) {
  std::vector<test::DocumentPair> pairs(10);
  for (int32_t p = 0; p < 10; ++p)
    for (int32_t i = 0; i < 8; ++i) {
      pairs[static_cast<size_t>(p)].chosen.ids.push_back((p + i * stride) % 64);
      pairs[static_cast<size_t>(p)].rejected.ids.push_back((p + i * (stride + 2)) % 64);
    }
  return test::dataset_of(pairs, kRowTokens, kVocab);
}

class DpoRun : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = (fs::path(testing::TempDir()) / ("dpo_" + std::string(info->name()))).string();
    create();
  }
  void TearDown() override { fs::remove_all(folder_); }

  void create() {
    fs::remove_all(folder_);
    const Dataset train = make_pairs(1), eval = make_pairs(3);
    RunSetup setup;
    setup.config = architecture("llama", "test").tiny();
    setup.config.vocab = kVocab;
    setup.config.context = kRowTokens;
    setup.options.steps = kSteps;
    setup.options.rows = 2;
    setup.options.loss = kDpo;
    setup.options.digest_every = 5;
    setup.train = &train;
    setup.eval = &eval;
    avocado::Run::create(folder_, setup, pool_);
  }

  RunOutcome train(int64_t limit = kSteps) {
    const avocado::Run run = avocado::Run::open(folder_);
    std::atomic<bool> stop{false};
    int64_t made = 0;
    RunObserver observer;
    observer.on_step = [&](const StepResult& result, double) {
      EXPECT_GT(result.preference.pairs, 0);
      stop = ++made >= limit;
    };
    return train_run(run, {.eval_every = 4, .eval_rows = 2, .checkpoint_every = 3, .keep = 9},
                     pool_, observer, &stop);
  }

  VerifyReport verify(VerifyOptions options = {}) {
    return verify_run(avocado::Run::open(folder_), options, pool_);
  }

  // As somebody would who makes run.json and the log agree with another file.
  void forge_manifest() {
    const std::string manifest = folder_ + "/run.json", log = folder_ + "/metrics.jsonl";
    auto json = nlohmann::ordered_json::parse(read_text_file(manifest));
    json["reference"] = sha256_file(folder_ + "/reference.safetensors");
    const std::string was = sha256_file(manifest);
    std::ofstream(manifest) << json.dump(2) << "\n";
    std::string text = read_text_file(log);
    text.replace(text.find(was), was.size(), sha256_file(manifest));
    std::ofstream(log) << text;
  }

  ThreadPool pool_{1};
  std::string folder_;
};

TEST_F(DpoRun, FinishesAndVerifies) {
  const RunOutcome outcome = train();
  EXPECT_TRUE(outcome.finished);
  const VerifyReport report = verify();
  EXPECT_TRUE(report.passed) << report.problem;
  EXPECT_EQ(report.chain, outcome.chain);
  EXPECT_TRUE(verify({.from = 7, .to = 9}).passed);
}

TEST_F(DpoRun, InterruptedGivesTheSameBits) {
  const RunOutcome whole = train();
  create();
  for (int64_t limit : {1, 4, 2}) EXPECT_FALSE(train(limit).finished);
  EXPECT_EQ(train().chain, whole.chain);
  EXPECT_TRUE(verify().passed);
}

TEST_F(DpoRun, AnotherReferenceIsRefused) {
  train();
  const std::string path = folder_ + "/reference.safetensors";
  std::string bytes = read_text_file(path);
  bytes[bytes.size() - 7] = static_cast<char>(bytes[bytes.size() - 7] ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  const VerifyReport changed = verify();
  EXPECT_FALSE(changed.passed);
  EXPECT_NE(changed.problem.find("reference.safetensors"), std::string::npos) << changed.problem;
  // Where every digest was made to fit, computing it again finds the number.
  forge_manifest();
  const VerifyReport forged = verify();
  EXPECT_FALSE(forged.passed);
  EXPECT_NE(forged.problem.find("\"eval\", pair 9, rejected answer"), std::string::npos)
      << forged.problem;
}

TEST_F(DpoRun, AReferenceOfOtherDataIsRefused) {
  const avocado::Run run = avocado::Run::open(folder_);
  const auto trainer = run.make_trainer(pool_);
  EXPECT_THROW(read_reference(run.reference_path(), {&run.train_data(), nullptr}, *trainer), Error)
      << "eval is not asked for";
  EXPECT_THROW(trainer->set_reference(run.train_data(), {1, 2, 3}), Error);
}

// From a recipe and a file of pairs to a verified run.
TEST(DpoRecipe, TrainsOnAFileOfPairs) {
  const std::string folder = (fs::path(testing::TempDir()) / "dpo_recipe").string();
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::string lines;
  for (int i = 0; i < 12; ++i)
    lines += fmt::format(
        "{{\"prompt\": [{{\"role\": \"user\", \"content\": \"say {}\"}}], \"chosen\": \"{}\", "
        "\"rejected\": \"no {}\"}}\n",
        i, i, i);
  std::string words;
  for (int i = 0; i < 200; ++i) words += std::to_string(i * 7919 % 1000);
  lines += "{\"prompt\": \"long\", \"chosen\": \"" + words + "\", \"rejected\": \"b\"}\n";
  write_file_atomically(folder + "/pairs.jsonl", lines);
  const std::string text = R"([model]
architecture = "llama"
width = 32
layers = 1
heads = 2
ffn = 32
context = 96
[tokenizer]
train = { vocab_size = 300 }
[data]
train = ["pairs.jsonl"]
[train]
loss = "dpo"
steps = 6
rows = 1
)";
  Recipe recipe = parse_recipe(text, "run.toml");
  recipe.folder = folder;
  ThreadPool pool(1);
  create_run(folder + "/run", recipe, text, pool);
  const avocado::Run run = avocado::Run::open(folder + "/run");
  const auto report = nlohmann::json::parse(read_text_file(folder + "/run/data-report.json"));
  EXPECT_EQ(report["train"]["documents"], 12);
  EXPECT_EQ(report["sources"][0]["format"], "preference");
  EXPECT_EQ(report["sources"][0]["dropped"]["long_document"]["count"], 1);
  require_same_recipe(run, recipe);
  EXPECT_TRUE(train_run(run, recipe.run, pool, {}).finished);
  const VerifyReport verified = verify_run(run, {}, pool);
  EXPECT_TRUE(verified.passed) << verified.problem;
  fs::remove_all(folder);
}

}  // namespace
}  // namespace avocado
