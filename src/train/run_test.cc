#include "train/run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "models/registry.h"
#include "train/verify.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kVocab = 64, kRowTokens = 16, kSteps = 24;

Dataset make_data(int32_t stride) {
  std::vector<Document> documents;
  for (int32_t d = 0; d < 12; ++d) {
    Document document;
    for (int32_t i = 0; i < 17; ++i)
      document.ids.push_back((d + i * stride) % static_cast<int32_t>(kVocab));
    documents.push_back(document);
  }
  return Dataset::pack(documents, kRowTokens, kVocab);
}

RunOptions run_options() {
  return {.eval_every = 8, .eval_rows = 3, .checkpoint_every = 6, .keep = 2};
}

class RunTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = (fs::path(testing::TempDir()) / ("run_" + std::string(info->name()))).string();
    fs::remove_all(folder_);
    create();
  }
  void TearDown() override { fs::remove_all(folder_); }

  void create(const TrainOptions& options = {}) {
    const Dataset train = make_data(1), eval = make_data(3);
    RunSetup setup;
    setup.config = architecture("llama", "test").tiny();
    setup.config.vocab = kVocab;
    setup.config.context = kRowTokens;
    setup.options = options;
    setup.options.steps = kSteps;
    setup.options.rows = 2;
    setup.options.micro_batches = 2;
    setup.options.digest_every = 5;
    setup.train = &train;
    setup.eval = &eval;
    avocado::Run::create(folder_, setup, pool_);
  }

  // Stops after `limit` steps of this session as SIGINT does.
  RunOutcome train(int64_t limit = kSteps, const RunOptions& options = run_options()) {
    const avocado::Run run = avocado::Run::open(folder_);
    std::atomic<bool> stop{false};
    warnings_.clear();
    int64_t made = 0;
    RunObserver observer;
    observer.on_step = [&](const StepResult&, double) { stop = ++made >= limit; };
    observer.on_warning = [&](const std::string& text) { warnings_.push_back(text); };
    return train_run(run, options, pool_, observer, &stop);
  }

  VerifyReport verify(VerifyOptions options = {}) {
    return verify_run(avocado::Run::open(folder_), options, pool_);
  }

  void damage(const std::string& path, size_t at, char flip = 1) {
    std::string bytes = read_text_file(path);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ flip);
    std::ofstream(path, std::ios::binary) << bytes;
  }

  std::string file(const std::string& name) const { return folder_ + "/" + name; }

  ThreadPool pool_{1};
  std::string folder_;
  std::vector<std::string> warnings_;
};

TEST_F(RunTest, FinishesAndVerifies) {
  const RunOutcome outcome = train();
  EXPECT_TRUE(outcome.finished);
  EXPECT_EQ(outcome.steps, kSteps);
  EXPECT_EQ(avocado::Run::open(folder_).checkpoints(), (std::vector<int64_t>{18, 24}));
  const VerifyReport report = verify();
  EXPECT_TRUE(report.passed) << report.problem;
  EXPECT_EQ(report.steps, kSteps);
  EXPECT_EQ(report.chain, outcome.chain);
  EXPECT_EQ(report.weights_digest, outcome.weights_digest);
}

TEST_F(RunTest, AFinishedRunIsLeftAsItIs) {
  const RunOutcome first = train();
  const std::string log = read_text_file(file("metrics.jsonl"));
  const RunOutcome second = train();
  EXPECT_EQ(second.weights_digest, first.weights_digest);
  EXPECT_EQ(read_text_file(file("metrics.jsonl")), log);
}

TEST_F(RunTest, InterruptedManyTimesGivesTheSameBits) {
  const RunOutcome whole = train();
  const std::string model = sha256_file(file("final.gguf"));
  fs::remove_all(folder_);
  create();
  for (int64_t limit : {1, 4, 2, 6, 3}) EXPECT_FALSE(train(limit).finished);
  const RunOutcome resumed = train();
  EXPECT_TRUE(resumed.finished);
  EXPECT_EQ(resumed.chain, whole.chain);
  EXPECT_EQ(sha256_file(file("final.gguf")), model);
  const VerifyReport report = verify();
  EXPECT_TRUE(report.passed) << report.problem;
}

TEST_F(RunTest, TornLogLinesAreMended) {
  const RunOutcome whole = train();
  fs::remove_all(folder_);
  create();
  train(14);
  std::ofstream(file("metrics.jsonl"), std::ios::app) << "{\"kind\":\"step\",\"st";
  EXPECT_FALSE(verify().passed);
  EXPECT_EQ(train().chain, whole.chain);
  EXPECT_TRUE(verify().passed);
}

TEST_F(RunTest, RecordsAfterTheCheckpointAreMadeAgain) {
  const RunOutcome whole = train();
  fs::remove_all(folder_);
  create();
  train(14);
  // As if killed after step 14 was logged, before its checkpoint.
  fs::remove(avocado::Run::open(folder_).checkpoint_path(14));
  EXPECT_EQ(train().chain, whole.chain);
  EXPECT_TRUE(verify().passed);
}

TEST_F(RunTest, ADamagedCheckpointIsPassedOver) {
  const RunOutcome whole = train();
  fs::remove_all(folder_);
  create();
  train(14);
  damage(avocado::Run::open(folder_).checkpoint_path(14), 20000);
  EXPECT_EQ(train().chain, whole.chain);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("step-00000014"), std::string::npos);
  EXPECT_TRUE(verify().passed);
}

TEST_F(RunTest, NoUsableCheckpointIsAnErrorNotARestart) {
  train(14);
  for (int64_t step : avocado::Run::open(folder_).checkpoints())
    fs::resize_file(avocado::Run::open(folder_).checkpoint_path(step), 1000);
  EXPECT_THROW(train(), Error);
}

TEST_F(RunTest, OneProcessAtATime) {
  const MetricsLog log(file("metrics.jsonl"));
  try {
    train();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::resource);
  }
}

TEST_F(RunTest, VerifiesARange) {
  train();
  const VerifyReport report = verify({.from = 20, .to = 22});
  EXPECT_TRUE(report.passed) << report.problem;
  EXPECT_EQ(report.start, 18);
  EXPECT_EQ(report.steps, 22);
  EXPECT_THROW(verify({.from = 3, .to = 2}), Error);
  EXPECT_THROW(verify({.from = 0, .to = kSteps + 1}), Error);
}

TEST_F(RunTest, RejectsEveryAlteredByteOfACheckpoint) {
  train();
  const std::string path = avocado::Run::open(folder_).checkpoint_path(18);
  const std::string whole = read_text_file(path);
  const Random random(7, Purpose::test);
  for (uint64_t i = 0; i < 40; ++i) {
    // Half of them in the header.
    const size_t at = random.below(i, i % 2 ? whole.size() : 1500);
    damage(path, at);
    EXPECT_FALSE(verify({.from = kSteps, .to = kSteps}).passed) << "byte " << at;
    damage(path, at);
  }
  EXPECT_TRUE(verify({.from = kSteps, .to = kSteps}).passed);
}

TEST_F(RunTest, RejectsEveryAlteredByteOfALoggedLoss) {
  train();
  const std::string path = file("metrics.jsonl");
  const std::string log = read_text_file(path);
  for (size_t at = log.find("\"loss\":"); at != std::string::npos;
       at = log.find("\"loss\":", at + 1)) {
    // Evaluation losses are not chained; the replay of their step finds them.
    const bool evaluation = log.compare(log.rfind('\n', at) + 1, 14, "{\"kind\":\"eval\"") == 0;
    const size_t end = log.find(',', at);
    for (size_t i = at + 7; i < end; i += evaluation ? 9 : 4) {
      damage(path, i);
      EXPECT_FALSE(
          verify(evaluation ? VerifyOptions{} : VerifyOptions{.from = kSteps, .to = kSteps}).passed)
          << "byte " << i;
      damage(path, i);
    }
  }
}

// Somebody who changes a loss and computes the chain anew is found by the replay.
TEST_F(RunTest, RejectsAForgedChain) {
  train();
  const std::string path = file("metrics.jsonl");
  const std::string definition = avocado::Run::open(folder_).definition();
  const MetricsFile metrics = read_metrics(path, definition);
  std::string forged, chain = definition;
  std::ifstream log(path);
  for (std::string line; std::getline(log, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    if (json["kind"] == "step") {
      StepResult step = metrics.steps[json["step"].get<size_t>() - 1];
      if (step.step == 9) step.loss = std::nextafter(step.loss, 10);
      step.chain = chain = next_chain(chain, step);
      json = step_record(step, 1000);
    }
    forged += json.dump() + "\n";
  }
  log.close();
  std::ofstream(path, std::ios::binary) << forged;
  const VerifyReport report = verify();
  EXPECT_FALSE(report.passed);
  EXPECT_NE(report.problem.find("step 9: loss"), std::string::npos) << report.problem;
}

TEST_F(RunTest, RejectsOtherChanges) {
  train();
  for (const char* name : {"run.json", "final.gguf", "train.rows", "eval.rows"}) {
    const std::string path = file(name), whole = read_text_file(path);
    damage(path, whole.size() / 2);
    bool rejected = false;
    try {
      rejected = !verify().passed;
    } catch (const Error&) {
      rejected = true;
    }
    EXPECT_TRUE(rejected) << name;
    damage(path, whole.size() / 2);
  }
  EXPECT_TRUE(verify().passed);
}

TEST_F(RunTest, TheAverageIsEvaluatedSavedAndVerified) {
  fs::remove_all(folder_);
  TrainOptions options;
  options.ema = 0.9;
  options.optimizer = "muon";
  options.optimizer_state = "8bit";
  create(options);
  train(10);
  const RunOutcome outcome = train();
  EXPECT_TRUE(outcome.finished);
  const std::string log = read_text_file(file("metrics.jsonl"));
  EXPECT_NE(log.find("\"ema_loss\":"), std::string::npos);
  VerifyReport report = verify();
  EXPECT_TRUE(report.passed) << report.problem;
  const std::string average = file("final-ema.gguf"), whole = read_text_file(average);
  EXPECT_NE(whole, read_text_file(file("final.gguf")));
  damage(average, whole.size() - 5);
  EXPECT_FALSE(verify().passed);
  fs::remove(average);
  EXPECT_FALSE(verify().passed);
  EXPECT_EQ(train().weights_digest, outcome.weights_digest);  // it is written again
  EXPECT_EQ(read_text_file(average), whole);
  report = verify();
  EXPECT_TRUE(report.passed) << report.problem;
}

TEST_F(RunTest, ASpikeStopsTheRunUntilItIsLetPass) {
  const RunOutcome whole = train();
  fs::remove_all(folder_);
  create();
  // The loss of this run falls, so a factor so near to 1 is passed by an ordinary step.
  RunOptions options = run_options();
  options.spike = {.window = 4, .factor = 1.0001};
  std::string first, again;
  for (std::string* message : {&first, &again}) {
    try {
      train(kSteps, options);
      FAIL() << "no spike";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      *message = error.what();
    }
  }
  EXPECT_NE(first.find("the loss rose to"), std::string::npos) << first;
  EXPECT_EQ(first, again);  // the window is read from the log
  EXPECT_EQ(train().chain, whole.chain);
  EXPECT_TRUE(verify().passed);
}

TEST_F(RunTest, ForeignFoldersAreLeftAlone) {
  const std::string folder = folder_ + "_other";
  fs::create_directories(folder);
  std::ofstream(folder + "/thesis.txt") << "mine";
  const std::string mine = folder_;
  folder_ = folder;
  EXPECT_THROW(create(), Error);
  EXPECT_THROW(avocado::Run::open(folder), Error);
  folder_ = mine;
  fs::remove_all(folder);
}

}  // namespace
}  // namespace avocado
