#include "train/run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "tiny_run.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

using test::kSteps;
using test::RunTest;

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
  RunOptions options{.eval_every = 8, .eval_rows = 3, .checkpoint_every = 6, .keep = 2};
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
