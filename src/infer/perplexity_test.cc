#include "infer/perplexity.h"

#include <gtest/gtest.h>

#include <algorithm>
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

// Straight from the definition, over windows that overlap.
TEST_F(PerplexityTest, ComparesTheDistributionsOfEveryScoredToken) {
  EngineOptions small;
  small.cache_type_k = small.cache_type_v = kernels::CacheType::q4_0;
  Engine engine(*model_, pool_, small);
  const Divergence got =
      measure_perplexity(engine, ids_, {.window = 20, .stride = 8, .base = &*engine_}).divergence;

  double sum = 0, largest = 0;
  int64_t same_top = 0;
  for (int64_t at = 1; at < 57; ++at) {
    const int64_t begin = at < 20 ? 0 : ((at - 20) / 8 + 1) * 8;
    const auto seen = std::span(ids_).subspan(begin, at - begin);
    const auto distribution = [&](Engine& of) {
      const std::vector<float> all = test::logits_of(of, seen);
      std::vector<double> p(all.end() - of.vocab(), all.end());
      double total = 0;
      for (double& x : p) total += x = std::exp(x);
      for (double& x : p) x /= total;
      return p;
    };
    const std::vector<double> p = distribution(*engine_), q = distribution(engine);
    double kl = 0;
    for (size_t i = 0; i < p.size(); ++i) kl += p[i] * std::log(p[i] / q[i]);
    sum += kl;
    largest = std::max(largest, kl);
    same_top += std::max_element(p.begin(), p.end()) - p.begin() ==
                std::max_element(q.begin(), q.end()) - q.begin();
  }
  EXPECT_GT(sum, 0);
  EXPECT_EQ(got.tokens, 56);
  EXPECT_EQ(got.same_top, same_top);
  EXPECT_NEAR(got.sum, sum, 1e-6 * sum);
  EXPECT_NEAR(got.largest, largest, 1e-6 * largest);
}

TEST_F(PerplexityTest, TheSameCacheDoesNotDiverge) {
  Engine base(*model_, pool_);
  const Divergence got =
      measure_perplexity(*engine_, ids_, {.window = 20, .stride = 20, .base = &base}).divergence;
  EXPECT_EQ(got.tokens, 54);
  EXPECT_EQ(got.same_top, 54);
  EXPECT_LT(got.largest, 1e-12);
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
  EngineOptions small;
  small.context = 10;
  Engine base(*model_, pool_, small);
  EXPECT_AVOCADO_ERROR(
      measure_perplexity(*engine_, ids_, {.window = 20, .stride = 8, .base = &base}),
      ErrorKind::usage, "a window of 20");
}

}  // namespace
}  // namespace avocado
