#pragma once
// Where each value lies. A value lives from the step that writes it to the last step that reads it;
// values whose lives do not overlap share memory. Values of one step never do, apart from
// operations that write over their input: threads are at different nodes of a step at the same
// time.

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/steps.h"

namespace avocado::graph {

struct MemoryPlan {
  // In elements per row, apart for values with a row per token and values with a row per wanted
  // token: value v lies at offset[v] * rows of its own region. -1: the value needs no memory.
  std::vector<int64_t> value_offset, grad_offset;
  int64_t token_width = 0;   // elements per token row of the region for all tokens
  int64_t wanted_width = 0;  // the same for selected values
  // Training only, per node: elements per row of what its backward needs besides values (norm
  // scales, log-sum-exp), and where they lie.
  std::vector<int64_t> saved_offset;
};

// In training a step is one node (steps.h).
MemoryPlan plan_memory(const Graph& graph, const std::vector<Step>& steps, bool training);

}  // namespace avocado::graph
