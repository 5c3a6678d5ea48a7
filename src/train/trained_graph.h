#pragma once
// What a run computes, and which of its weights learn: all of a model, or an adapter's alone.

#include <optional>
#include <vector>

#include "graph/graph.h"
#include "train/adapter_options.h"

namespace avocado {

struct TrainedGraph {
  graph::Graph graph;       // nodes and all weights
  std::vector<bool> learn;  // per weight, as graph/schedule.h wants it; empty: all do
  graph::Graph learned;     // those that learn, in their order; has no nodes where others stay

  // Operations on floats of a training step for a token, attention aside: of the matrices that stay
  // only the gradient of their input is computed.
  double flops_per_token() const;
};

// Throws Error(input) when the model has no matrix that a target means.
TrainedGraph trained_graph(const graph::Graph& model, const std::optional<AdapterOptions>& adapter);

}  // namespace avocado
