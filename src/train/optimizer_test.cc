#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/philox.h"
#include "models/registry.h"
#include "train/schedule.h"

namespace avocado {
namespace {

using Values = std::vector<double>;

// Large enough that the embedding takes several chunks, the last of them ragged.
graph::Graph test_graph() {
  ModelConfig config = architecture("llama", "test").tiny();
  config.vocab = 1031;
  return build_graph(config);
}

TrainOptions options_of(const std::string& optimizer) {
  TrainOptions options;
  options.steps = 100;
  options.optimizer = optimizer;
  optimizer_kind(optimizer, "test").usual(options);
  return options;
}

float normal_like(const Random& random, uint64_t i) {
  return random.uniform(3 * i) + random.uniform(3 * i + 1) + random.uniform(3 * i + 2) - 1.5f;
}

// A state with drawn weights, its optimizer, and a gradient for each step.
struct Bench {
  graph::Graph graph;
  TrainOptions options;
  ThreadPool pool;
  TrainState state;
  Optimizer optimizer;
  std::vector<int> all;
  std::vector<float> gradient;

  explicit Bench(const TrainOptions& o, int threads = 1)
      : graph(test_graph()),
        options(o),
        pool(threads),
        state(graph, options),
        optimizer(graph, options, state, pool),
        all(graph.weights.size()),
        gradient(static_cast<size_t>(state.layout.total)) {
    std::iota(all.begin(), all.end(), 0);
    const Random random(3, Purpose::test);
    for (int w : all)
      for (int64_t i = 0; i < graph.weights[w].count(); ++i)
        state.param(w)[i] = 0.1f * normal_like(random, index(w, i));
  }

  uint64_t index(int w, int64_t i) const {
    return static_cast<uint64_t>(state.layout.offset[w] + i);
  }
  StepNumbers numbers(int64_t step) const {
    return {.step = step, .lr = 1e-2 / static_cast<double>(step), .grad_scale = 0.37};
  }
  double decades = 4;  // by which the sizes of gradients differ from row to row
  const float* draw_gradient(int64_t step) {
    const Random random(4, Purpose::test, static_cast<uint32_t>(step));
    for (int w : all)
      for (int64_t i = 0; i < graph.weights[w].count(); ++i) {
        const double place = static_cast<double>(i / graph.weights[w].cols % 5) / 4;
        const double size = std::pow(10.0, decades * (place - 0.75));
        gradient[index(w, i)] = static_cast<float>(size) * normal_like(random, index(w, i));
      }
    return gradient.data();
  }
  void run(int64_t steps) {
    for (int64_t step = 1; step <= steps; ++step)
      optimizer.update(all, draw_gradient(step), numbers(step));
  }
  std::string digest() { return state_digest(graph, state, "definition", pool); }
};

// One step of one weight in plain double.
struct Reference {
  Values p, m, v, average;

  void step(const TrainOptions& o, const std::string& optimizer, const graph::Weight& weight,
            const Values& g, double lr, double decay, int64_t step) {
    m.resize(p.size());
    v.resize(p.size());
    average.resize(p.size());
    Values update(p.size());
    for (size_t i = 0; i < p.size(); ++i) {
      if (optimizer == "adamw") {
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
        v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
        const auto t = static_cast<double>(step);
        update[i] = m[i] / (1 - std::pow(o.beta1, t)) /
                    (std::sqrt(v[i] / (1 - std::pow(o.beta2, t))) + o.eps);
      } else if (optimizer == "lion") {
        const double c = o.beta1 * m[i] + (1 - o.beta1) * g[i];
        update[i] = c > 0 ? 1 : c < 0 ? -1 : 0;
        m[i] = o.beta2 * m[i] + (1 - o.beta2) * g[i];
      } else {
        m[i] = o.momentum * m[i] + g[i];
        update[i] = o.nesterov ? o.momentum * m[i] + g[i] : m[i];
      }
    }
    if (optimizer == "muon") orthogonalise(update, weight.rows, weight.cols);
    for (size_t i = 0; i < p.size(); ++i) {
      p[i] -= lr * (decay * p[i] + update[i]);
      average[i] += average_share(o.ema, step) * (p[i] - average[i]);
    }
  }

  static Values product(const Values& a, const Values& b, int64_t n, int64_t k, int64_t m) {
    Values c(static_cast<size_t>(n * m));
    for (int64_t i = 0; i < n; ++i)
      for (int64_t l = 0; l < k; ++l)
        for (int64_t j = 0; j < m; ++j) c[i * m + j] += a[i * k + l] * b[l * m + j];
    return c;
  }

  static void orthogonalise(Values& x, int64_t rows, int64_t cols) {
    double norm = 0;
    for (double value : x) norm += value * value;
    for (double& value : x) value /= std::sqrt(norm) + 1e-7;
    for (int iteration = 0; iteration < 5; ++iteration) {
      Values transposed(x.size());
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols; ++c) transposed[c * rows + r] = x[r * cols + c];
      const Values a = product(x, transposed, rows, cols, rows);
      const Values square = product(a, a, rows, rows, rows);
      const Values ax = product(a, x, rows, rows, cols);
      const Values aax = product(square, x, rows, rows, cols);
      for (size_t i = 0; i < x.size(); ++i) x[i] = 3.4445 * x[i] - 4.7750 * ax[i] + 2.0315 * aax[i];
    }
    for (double& value : x) value *= 0.2 * std::sqrt(static_cast<double>(std::max(rows, cols)));
  }
};

bool is_hidden(const graph::Weight& weight) {
  return weight.matrix && weight.name != "token_embd.weight" && weight.name != "output.weight";
}

class EveryOptimizer : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, EveryOptimizer, testing::Values("adamw", "muon", "lion", "sgd"));

TEST_P(EveryOptimizer, AgreesWithPlainDoubleArithmetic) {
  TrainOptions options = options_of(GetParam());
  options.ema = 0.9;
  Bench bench(options);
  std::vector<Reference> references(bench.all.size());
  for (int w : bench.all)
    references[w].p.assign(bench.state.param(w),
                           bench.state.param(w) + bench.graph.weights[w].count());
  for (int64_t step = 1; step <= 6; ++step) {
    const float* gradient = bench.draw_gradient(step);
    const StepNumbers numbers = bench.numbers(step);
    bench.optimizer.update(bench.all, gradient, numbers);
    for (int w : bench.all) {
      const graph::Weight& weight = bench.graph.weights[w];
      Values g(static_cast<size_t>(weight.count()));
      for (size_t i = 0; i < g.size(); ++i)
        g[i] = numbers.grad_scale * gradient[bench.index(w, static_cast<int64_t>(i))];
      const bool muon = options.optimizer == "muon";
      references[w].step(options, muon && !is_hidden(weight) ? "adamw" : options.optimizer, weight,
                         g, numbers.lr, weight.matrix ? options.weight_decay : 0, step);
    }
  }
  // Lion's sign may differ where its average is zero but for rounding; nowhere here.
  double worst = 0, worst_average = 0;
  for (int w : bench.all)
    for (int64_t i = 0; i < bench.graph.weights[w].count(); ++i) {
      const auto at = static_cast<size_t>(i);
      worst = std::max(worst, std::fabs(bench.state.param(w)[i] - references[w].p[at]));
      worst_average =
          std::max(worst_average, std::fabs(bench.state.average(w)[i] - references[w].average[at]));
    }
  std::printf("%s: largest error %.1e, of the average %.1e\n", GetParam(), worst, worst_average);
  // Steps sum to about 0.02; the weights themselves are below 0.3 and hold 24 bits.
  EXPECT_LT(worst, 2e-7);
  EXPECT_LT(worst_average, 2e-7);
}

// What lets several processes update a part of the weights each.
TEST_P(EveryOptimizer, WeightsMayBeUpdatedInAnyOrderAndInParts) {
  for (const char* stored : {"f32", "8bit"}) {
    TrainOptions options = options_of(GetParam());
    options.optimizer_state = stored;
    options.ema = 0.99;
    Bench whole(options), parts(options, 3);
    whole.run(3);
    std::vector<int> odd, even;
    for (int w : parts.all) (w % 2 ? odd : even).push_back(w);
    std::reverse(odd.begin(), odd.end());
    for (int64_t step = 1; step <= 3; ++step) {
      const float* gradient = parts.draw_gradient(step);
      parts.optimizer.update(odd, gradient, parts.numbers(step));
      parts.optimizer.update(even, gradient, parts.numbers(step));
    }
    EXPECT_EQ(whole.digest(), parts.digest()) << stored;
  }
}

TEST_P(EveryOptimizer, StateOfEightBitsIsSmallAndGoesNearlyTheSameWay) {
  TrainOptions options = options_of(GetParam());
  options.weight_decay = 0;
  Bench exact(options);
  options.optimizer_state = "8bit";
  Bench coded(options);
  size_t bytes = 0;
  for (int w : coded.all)
    for (const StateTensor& tensor : coded.state.kept[w]) bytes += tensor.data.size();
  const double per_weight =
      static_cast<double>(bytes) / static_cast<double>(coded.graph.parameter_count());
  const size_t moments = optimizer_kind(GetParam(), "test").moments.size();
  EXPECT_LT(per_weight, options.optimizer == "muon" ? 2.3 : 1.1 * static_cast<double>(moments));
  const Bench start(options);
  exact.decades = coded.decades = 1;
  exact.run(20);
  coded.run(20);
  double moved = 0, apart = 0;
  for (int w : exact.all) {
    if (!exact.graph.weights[w].matrix) continue;
    for (int64_t i = 0; i < exact.graph.weights[w].count(); ++i) {
      const double now = exact.state.param(w)[i];
      moved += std::pow(now - start.state.param(w)[i], 2);
      apart += std::pow(now - coded.state.param(w)[i], 2);
    }
  }
  std::printf("%s: %.2f bytes per weight; apart by %.4f of the way\n", GetParam(), per_weight,
              std::sqrt(apart / moved));
  EXPECT_LT(std::sqrt(apart / moved), 0.1);
}

TEST(Optimizer, MuonKeepsAdamwForWhatIsNoHiddenMatrix) {
  const Bench bench(options_of("muon"));
  for (int w : bench.all)
    EXPECT_EQ(bench.state.kept_tensor(w, "v") == nullptr, is_hidden(bench.graph.weights[w]))
        << bench.graph.weights[w].name;
}

TEST(Optimizer, TheFirstGroupThatMatchesCounts) {
  TrainOptions options = options_of("adamw");
  options.weight_decay = 0.5;
  options.groups = {{.match = "blk.*.attn_*", .lr_scale = 0, .weight_decay = std::nullopt},
                    {.match = "blk.*", .lr_scale = 0.5, .weight_decay = 0.0},
                    {.match = "output_norm.weight", .lr_scale = 1, .weight_decay = 0.5}};
  Bench bench(options), start(options);
  // Without a gradient only weight decay moves a weight.
  std::fill(bench.gradient.begin(), bench.gradient.end(), 0.0f);
  bench.optimizer.update(bench.all, bench.gradient.data(), {.step = 1, .lr = 0.5, .grad_scale = 1});
  const auto ratio = [&](const char* name) {
    const int w = bench.graph.find_weight(name);
    EXPECT_NE(w, graph::kNone) << name;
    return bench.state.param(w)[3] / start.state.param(w)[3];
  };
  EXPECT_EQ(ratio("blk.0.attn_q.weight"), 1.0f);
  EXPECT_EQ(ratio("blk.0.attn_norm.weight"), 1.0f);
  EXPECT_EQ(ratio("blk.0.ffn_up.weight"), 1.0f);
  EXPECT_NEAR(ratio("token_embd.weight"), 0.75, 1e-6);
  EXPECT_NEAR(ratio("output_norm.weight"), 0.75, 1e-6);
  bench.draw_gradient(1);
  bench.optimizer.update(bench.all, bench.gradient.data(), bench.numbers(2));
  EXPECT_EQ(ratio("blk.1.attn_v.weight"), 1.0f);
  EXPECT_NE(ratio("blk.0.ffn_up.weight"), 1.0f);
}

TEST(Optimizer, AGroupWithoutWeightsIsAnError) {
  const auto problem = [](std::vector<WeightGroup> groups) -> std::string {
    TrainOptions options = options_of("adamw");
    options.groups = std::move(groups);
    try {
      const Bench bench(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      return error.what();
    }
    return "";
  };
  const auto group = [](const char* match) {
    return WeightGroup{.match = match, .lr_scale = 1, .weight_decay = std::nullopt};
  };
  EXPECT_EQ(problem({group("*")}), "");
  EXPECT_EQ(problem({group("*attn*"), group("**.weight")}), "");
  EXPECT_NE(problem({group("blk.*.attn_z*")}).find("\"blk.*.attn_z*\" matches no weight"),
            std::string::npos);
  EXPECT_NE(problem({group("blk.0.attn_q")}).find("matches no weight"), std::string::npos);
  EXPECT_NE(problem({group("blk.*"), group("blk.0.*")}).find("an earlier group has all"),
            std::string::npos);
}

TEST(Optimizer, TheAverageBeginsAsTheFirstWeights) {
  TrainOptions options = options_of("sgd");
  options.ema = 0.999;
  Bench bench(options);
  bench.run(1);
  for (int w : bench.all)
    EXPECT_EQ(0, std::memcmp(bench.state.average(w), bench.state.param(w),
                             static_cast<size_t>(bench.graph.weights[w].count()) * sizeof(float)));
  EXPECT_DOUBLE_EQ(average_share(0.999, 1), 1);
  EXPECT_DOUBLE_EQ(average_share(0.999, 11), 0.5);
  EXPECT_DOUBLE_EQ(average_share(0.999, 100000), 1 - 0.999);
  EXPECT_DOUBLE_EQ(average_share(0, 5), 1);
}

}  // namespace
}  // namespace avocado
