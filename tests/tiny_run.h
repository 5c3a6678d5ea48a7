#pragma once
// A run of a few seconds at most, for tests of what becomes of its folder.

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "files/atomic_file.h"
#include "models/registry.h"
#include "train/run.h"
#include "train/verify.h"

namespace avocado::test {

constexpr int64_t kSteps = 24;

// Counting sequences of 64 tokens.
inline Dataset counting_data(int32_t stride) {
  constexpr int32_t kVocab = 64;
  std::vector<Document> documents;
  for (int32_t d = 0; d < 12; ++d) {
    Document document;
    for (int32_t i = 0; i < 17; ++i) document.ids.push_back((d + i * stride) % kVocab);
    documents.push_back(document);
  }
  return Dataset::pack(documents, 16, kVocab);
}

class RunTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        (std::filesystem::path(testing::TempDir()) / ("run_" + std::string(info->name()))).string();
    std::filesystem::remove_all(folder_);
    create();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void create(const TrainOptions& options = {}) {
    const Dataset train = counting_data(1), eval = counting_data(3);
    RunSetup setup;
    setup.config = architecture("llama", "test").tiny();
    setup.config.vocab = train.vocab();
    setup.config.context = train.row_tokens();
    setup.options = options;
    setup.options.steps = kSteps;
    setup.options.rows = 2;
    setup.options.micro_batches = 2;
    setup.options.digest_every = digest_every_;
    setup.train = &train;
    setup.eval = &eval;
    avocado::Run::create(folder_, setup, pool_);
  }

  // Stops after `limit` steps of this session as SIGINT does.
  RunOutcome train(int64_t limit = kSteps) {
    return train(limit, {.eval_every = 8, .eval_rows = 3, .checkpoint_every = 6, .keep = keep_});
  }
  RunOutcome train(int64_t limit, const RunOptions& options) {
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

  int64_t digest_every_ = 5, keep_ = 2;
  ThreadPool pool_{1};
  std::string folder_;
  std::vector<std::string> warnings_;
};

}  // namespace avocado::test
