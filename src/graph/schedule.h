#pragma once
// The order in which training walks a graph: forwards through all nodes but the head, the product
// that makes logits; the head, forwards and backwards, a block of rows at a time, so that the
// logits of a whole batch never exist; then backwards through the others.
//
// With recomputation the forward pass keeps only what enters a layer, and each layer is run again
// just before it is walked backwards. Same inputs, same operations: the same bits, for a forward
// pass more and a fraction of the memory. The last layer is walked backwards at once, so it keeps
// its values; nodes that no backward reads from are not run again.

#include <vector>

#include "graph/graph.h"

namespace avocado::graph {

enum class Pass { forward, head, recompute, backward };

struct Visit {
  int node = 0;
  Pass pass = Pass::forward;
  bool operator==(const Visit&) const = default;
};

// Throws Error(usage) when the logits are not the output of the last node.
std::vector<Visit> plan_training(const Graph& graph, bool recompute);

}  // namespace avocado::graph
