#pragma once
// Adapters of random values for tests.

#include <string>
#include <vector>

#include "base/philox.h"
#include "models/adapter.h"
#include "models/registry.h"

namespace avocado::test {

// On every `step`-th matrix of the model that can have one.
inline Adapter random_adapter(const graph::Graph& model, bool dora, int64_t rank = 3,
                              size_t step = 1) {
  Adapter adapter;
  adapter.alpha = 5;
  const Random random(6, Purpose::test);
  uint64_t position = 0;
  const auto fill = [&](std::vector<float>& values, int64_t count, float around) {
    values.resize(static_cast<size_t>(count));
    for (float& x : values) x = around + 0.2f * (random.uniform(position++) - 0.5f);
  };
  const std::vector<graph::WeightId> adaptable = graph::adaptable_weights(model);
  for (size_t i = 0; i < adaptable.size(); i += step) {
    const graph::Weight& w = model.weights[static_cast<size_t>(adaptable[i])];
    AdapterMatrix& m = adapter.matrices.emplace_back();
    m.weight = adaptable[i];
    m.rank = rank;
    fill(m.a, rank * w.cols, 0);
    fill(m.b, w.rows * rank, 0);
    if (dora) fill(m.magnitude, w.rows, 0.7f);
  }
  return adapter;
}

}  // namespace avocado::test
