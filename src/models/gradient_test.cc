// The gradient of every weight of every registered architecture against central differences of the
// same node list evaluated in double.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/philox.h"
#include "graph/executor.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "models/registry.h"

namespace avocado {
namespace {

using graph::Batch;
using graph::Executor;
using graph::Graph;
using graph::Sequence;
using graph::WeightRef;

template <class T>
struct Net {
  const Graph& graph;
  ThreadPool& pool;
  std::vector<std::vector<T>> values, grads;
  std::unique_ptr<Executor<T>> executor;
  std::vector<int32_t> ids, wanted, targets;
  std::vector<Sequence<T>> sequences;

  Net(const Graph& g, ThreadPool& p) : graph(g), pool(p) {
    std::vector<std::vector<float>> start;
    std::vector<float*> pointers;
    for (const graph::Weight& w : g.weights) start.emplace_back(w.count());
    for (auto& v : start) pointers.push_back(v.data());
    graph::initialise(g, 3, pointers);
    const Random random(9, Purpose::test);
    uint64_t position = 0;
    std::vector<WeightRef<T>> refs;
    for (auto& v : start) {
      // Larger than at birth, and nothing exactly one or zero: every term of a gradient counts.
      std::vector<T> w;
      for (float x : v)
        w.push_back(
            static_cast<T>(x * (x == 1.0f ? 1.0 : 1.5) + 0.2 * (random.uniform(position++) - 0.5)));
      values.push_back(w);
      grads.emplace_back(w.size(), T{0});
    }
    for (size_t i = 0; i < values.size(); ++i)
      refs.push_back({.data = values[i].data(), .grad = grads[i].data()});
    executor = std::make_unique<Executor<T>>(g, refs, p);
    // Three sequences, one longer than a tile and than Mistral's window.
    for (int64_t count : {5, 90, 2}) {
      sequences.push_back({.count = count});
      for (int64_t i = 0; i < count; ++i) {
        const int32_t row = static_cast<int32_t>(ids.size());
        ids.push_back(static_cast<int32_t>(random.below(1000 + row, g.vocab())));
        if (i % 3 == 2) continue;
        wanted.push_back(row);
        targets.push_back(static_cast<int32_t>(random.below(5000 + row, g.vocab())));
      }
    }
  }

  Batch<T> batch() const { return {ids, sequences, wanted}; }

  T loss(bool with_gradient) {
    T* logits = executor->forward_train(batch());
    std::vector<T> losses(wanted.size());
    kernels::cross_entropy(pool, static_cast<const T*>(logits), targets.data(), losses.data(),
                           with_gradient ? logits : nullptr, static_cast<int64_t>(wanted.size()),
                           graph.vocab(), 1.0);
    if (with_gradient) executor->backward(batch(), logits);
    T sum = 0;
    for (T l : losses) sum += l;
    return sum;
  }
};

class GradientTest : public testing::TestWithParam<const Architecture*> {};

TEST_P(GradientTest, EveryWeightAgreesWithCentralDifferences) {
  const Graph g = build_graph(GetParam()->tiny());
  ThreadPool pool(2);
  Net<double> net(g, pool);
  net.loss(true);
  const auto analytic = net.grads;

  double largest = 0;
  const Random random(4, Purpose::test);
  for (size_t w = 0; w < g.weights.size(); ++w) {
    double scale = 0;
    for (double v : analytic[w]) scale = std::max(scale, std::abs(v));
    ASSERT_GT(scale, 1e-6) << g.weights[w].name << " has no gradient";
    for (int sample = 0; sample < 4; ++sample) {
      const size_t i = random.below(w * 16 + sample, analytic[w].size());
      double& x = net.values[w][i];
      const double old = x, h = 1e-4;
      // Fourth order: the error of h^4 is far below that of rounding.
      const auto at = [&](double d) {
        x = old + d;
        return net.loss(false);
      };
      const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      x = old;
      const double error = std::abs(numeric - analytic[w][i]) / scale;
      EXPECT_LT(error, 1e-7) << g.weights[w].name << "[" << i << "]: " << analytic[w][i]
                             << " against " << numeric;
      largest = std::max(largest, error);
    }
  }
  std::printf("%s: largest relative error of a gradient %.2e\n", GetParam()->name, largest);
}

// The float path (SIMD kernels) computes the same gradient up to float rounding.
TEST_P(GradientTest, FloatAgreesWithDouble) {
  const Graph g = build_graph(GetParam()->tiny());
  ThreadPool pool(2);
  Net<double> exact(g, pool);
  Net<float> fast(g, pool);
  const double l64 = exact.loss(true);
  const float l32 = fast.loss(true);
  EXPECT_NEAR(l32, l64, 1e-4 * l64);
  for (size_t w = 0; w < g.weights.size(); ++w) {
    double scale = 0, error = 0;
    for (size_t i = 0; i < exact.grads[w].size(); ++i) {
      scale = std::max(scale, std::abs(exact.grads[w][i]));
      error = std::max(error, std::abs(exact.grads[w][i] - static_cast<double>(fast.grads[w][i])));
    }
    EXPECT_LT(error, 2e-4 * scale) << g.weights[w].name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GradientTest, testing::ValuesIn(architectures()),
                         [](const auto& tested) { return tested.param->name; });

}  // namespace
}  // namespace avocado
