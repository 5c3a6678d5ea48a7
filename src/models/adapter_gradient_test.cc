// The gradient of every weight of an adapter against central differences of the same graph in
// double, with the model under it frozen; DoRA's norms count as constants.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "graph/adapters.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "models/registry.h"

namespace avocado {
namespace {

using graph::Batch;
using graph::Executor;
using graph::Graph;
using graph::WeightRef;

template <class T>
struct Net {
  const Graph& graph;
  size_t frozen;  // weights before those of the adapter
  ThreadPool& pool;
  std::vector<std::vector<T>> values, grads;
  graph::RowNorms<T> norms;
  std::unique_ptr<Executor<T>> executor;
  std::vector<int32_t> ids, wanted, targets;
  std::vector<graph::Sequence<T>> sequences;

  Net(const Graph& g, size_t base_weights, ThreadPool& p)
      : graph(g), frozen(base_weights), pool(p), norms(g) {
    const Random random(9, Purpose::test);
    uint64_t position = 0;
    std::vector<WeightRef<T>> refs;
    for (const graph::Weight& w : g.weights) {
      auto& v = values.emplace_back(w.count());
      grads.emplace_back(w.count(), T{0});
      const double around = w.init == graph::Init::ones ? 1 : 0;
      for (T& x : v) x = static_cast<T>(around + 0.4 * (random.uniform(position++) - 0.5));
    }
    for (size_t i = 0; i < values.size(); ++i)
      refs.push_back({.data = values[i].data(), .grad = i < frozen ? nullptr : grads[i].data()});
    norms.put_into(refs);
    norms.compute(p, refs);
    executor = std::make_unique<Executor<T>>(g, refs, p);
    for (int64_t count : {5, 19}) {
      sequences.push_back({.count = count});
      for (int64_t i = 0; i < count; ++i) {
        const auto row = static_cast<int32_t>(ids.size());
        ids.push_back(static_cast<int32_t>(random.below(1000 + row, g.vocab())));
        if (i % 3 == 2) continue;
        wanted.push_back(row);
        targets.push_back(static_cast<int32_t>(random.below(5000 + row, g.vocab())));
      }
    }
  }

  T loss(bool with_gradient) {
    const Batch<T> batch{ids, sequences, wanted};
    T* logits = executor->forward_train(batch);
    std::vector<T> losses(wanted.size());
    kernels::cross_entropy(pool, static_cast<const T*>(logits), targets.data(), losses.data(),
                           with_gradient ? logits : nullptr, static_cast<int64_t>(wanted.size()),
                           graph.vocab(), 1.0);
    if (with_gradient) executor->backward(batch, logits);
    T sum = 0;
    for (T l : losses) sum += l;
    return sum;
  }
};

struct Case {
  const Architecture* architecture;
  bool dora;
};

// Every second matrix, so that gradients pass through products with and without an adapter, and the
// first layer has frozen inputs.
Graph adapted(const Graph& base, bool dora) {
  std::vector<graph::AdapterTarget> targets;
  const std::vector<graph::WeightId> adaptable = graph::adaptable_weights(base);
  for (size_t i = 0; i < adaptable.size(); i += 2)
    targets.push_back({.weight = adaptable[i], .rank = 3, .scale = 0.75, .magnitude = dora});
  return graph::with_adapters(base, targets);
}

class AdapterGradient : public testing::TestWithParam<Case> {};

TEST_P(AdapterGradient, AgreesWithCentralDifferences) {
  const Graph base = build_graph(GetParam().architecture->tiny());
  const Graph g = adapted(base, GetParam().dora);
  ThreadPool pool(2);
  Net<double> net(g, base.weights.size(), pool);
  net.loss(true);
  const Random random(4, Purpose::test);
  for (size_t w = net.frozen; w < g.weights.size(); ++w) {
    const std::vector<double>& analytic = net.grads[w];
    double scale = 0;
    for (double v : analytic) scale = std::max(scale, std::abs(v));
    ASSERT_GT(scale, 1e-6) << g.weights[w].name << " has no gradient";
    for (int sample = 0; sample < 3; ++sample) {
      const size_t i = random.below(w * 16 + sample, analytic.size());
      double& x = net.values[w][i];
      const double old = x, h = 1e-4;
      const auto at = [&](double d) {
        x = old + d;
        return net.loss(false);
      };
      const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      x = old;
      EXPECT_LT(std::abs(numeric - analytic[i]) / scale, 1e-7)
          << g.weights[w].name << "[" << i << "]: " << analytic[i] << " against " << numeric;
    }
  }
  for (size_t w = 0; w < net.frozen; ++w)
    EXPECT_TRUE(std::all_of(net.grads[w].begin(), net.grads[w].end(), [](double v) {
      return v == 0;
    })) << g.weights[w].name;
}

TEST_P(AdapterGradient, FloatAgreesWithDouble) {
  const Graph base = build_graph(GetParam().architecture->tiny());
  const Graph g = adapted(base, GetParam().dora);
  ThreadPool pool(2);
  Net<double> exact(g, base.weights.size(), pool);
  Net<float> fast(g, base.weights.size(), pool);
  EXPECT_NEAR(fast.loss(true), exact.loss(true), 1e-2);
  for (size_t w = exact.frozen; w < g.weights.size(); ++w) {
    double scale = 0, error = 0;
    for (size_t i = 0; i < exact.grads[w].size(); ++i) {
      scale = std::max(scale, std::abs(exact.grads[w][i]));
      error = std::max(error, std::abs(exact.grads[w][i] - static_cast<double>(fast.grads[w][i])));
    }
    EXPECT_LT(error, 2e-4 * scale) << g.weights[w].name;
  }
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const Architecture* a : architectures())
    for (const bool dora : {false, true}) list.push_back({a, dora});
  return list;
}

INSTANTIATE_TEST_SUITE_P(All, AdapterGradient, testing::ValuesIn(cases()), [](const auto& tested) {
  return std::string(tested.param.architecture->name) + (tested.param.dora ? "_dora" : "_lora");
});

}  // namespace
}  // namespace avocado
