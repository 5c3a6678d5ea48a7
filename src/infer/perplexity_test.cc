#include "infer/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_error.h"
#include "temp_folder.h"
#include "tiny_model.h"

namespace avocado {
namespace {

class PerplexityTest : public testing::Test {
 protected:
  PerplexityTest() {
    const std::string path = folder_.file("tiny.gguf");
    test::write_tiny_model(architecture("llama", "test").tiny(), path);
    model_.emplace(Model::load(path, pool_));
    engine_.emplace(*model_, pool_);
    ids_ = test::random_ids(57, engine_->vocab(), 1);
  }

  // Straight from the definition: the loss of token `at` seen from a window that begins at `begin`.
  double loss(int64_t begin, int64_t at) {
    const std::vector<float> all =
        test::logits_of(*engine_, std::span(ids_).subspan(begin, at - begin));
    const auto row = std::span(all).last(engine_->vocab());
    double sum = 0;
    for (float x : row) sum += std::exp(static_cast<double>(x));
    return std::log(sum) - static_cast<double>(row[ids_[at]]);
  }

  test::TempFolder folder_;
  ThreadPool pool_{2};
  std::optional<Model> model_;
  std::optional<Engine> engine_;
  std::vector<int32_t> ids_;
};

TEST_F(PerplexityTest, OneWindowScoresAllButTheFirstToken) {
  double expected = 0;
  for (int64_t at = 1; at < 57; ++at) expected += loss(0, at);
  const Perplexity result = measure_perplexity(*engine_, ids_, {});
  EXPECT_EQ(result.scored, 56);
  EXPECT_EQ(result.windows, 1);
  EXPECT_NEAR(result.nll, expected, 1e-4);
  EXPECT_NEAR(result.value(), std::exp(expected / 56), 1e-4);
}

TEST_F(PerplexityTest, OverlappingWindowsScoreEveryTokenOnce) {
  // Windows of 20 begin at 0, 8, 16, 24, 32, 40; the last reaches the end at 57.
  double expected = 0;
  for (int64_t at = 1; at < 57; ++at) {
    const int64_t window = at < 20 ? 0 : (at - 20) / 8 + 1;
    expected += loss(window * 8, at);
  }
  const Perplexity result = measure_perplexity(*engine_, ids_, {20, 8});
  EXPECT_EQ(result.scored, 56);
  EXPECT_EQ(result.windows, 6);
  EXPECT_NEAR(result.nll, expected, 1e-4);
}

TEST_F(PerplexityTest, WindowsSideBySideLeaveOutTheirFirstToken) {
  double expected = 0;
  for (int64_t at = 1; at < 57; ++at) {
    if (at % 20 != 0) expected += loss(at / 20 * 20, at);
  }
  const Perplexity result = measure_perplexity(*engine_, ids_, {20, 20});
  EXPECT_EQ(result.scored, 54);
  EXPECT_EQ(result.windows, 3);
  EXPECT_NEAR(result.nll, expected, 1e-4);
}

TEST_F(PerplexityTest, ThreadsAndChunksChangeNoBit) {
  const Perplexity expected = measure_perplexity(*engine_, ids_, {20, 8});
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    EngineOptions options;
    options.chunk = threads == 1 ? 1 : 7;
    Engine engine(*model_, pool, options);
    EXPECT_EQ(measure_perplexity(engine, ids_, {20, 8}).nll, expected.nll);
  }
}

TEST_F(PerplexityTest, RefusesWhatMakesNoSense) {
  const auto measure = [this](int64_t window, int64_t stride, int64_t tokens) {
    return measure_perplexity(*engine_, std::span(ids_).first(tokens), {window, stride});
  };
  EXPECT_AVOCADO_ERROR(measure(20, 21, 57), ErrorKind::usage, "a stride of 21");
  EXPECT_AVOCADO_ERROR(measure(1, 1, 57), ErrorKind::usage, "a window of 1 ");
  EXPECT_AVOCADO_ERROR(measure(1 << 30, 1, 57), ErrorKind::usage, "a window of 1073741824");
  EXPECT_AVOCADO_ERROR(measure(20, -1, 57), ErrorKind::usage, "a stride of -1");
  EXPECT_AVOCADO_ERROR(measure(20, 8, 1), ErrorKind::usage, "the text has 1 tokens");
}

}  // namespace
}  // namespace avocado
