#pragma once
// Where each value lies. A value lives from the step that writes it to the last step that reads it;
// values whose lives do not overlap share memory. Values of one step never do, apart from
// operations that write over their input: threads are at different nodes of a step at the same
// time.

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/schedule.h"
#include "graph/steps.h"

namespace avocado::graph {

struct MemoryPlan {
  // In elements per row, apart for values with a row per token and values with a row per wanted
  // token: value v lies at offset[v] * rows of its own region. -1: the value needs no memory.
  std::vector<int64_t> value_offset;  // in inference, and in the forward pass of training
  int64_t token_width = 0;            // elements per token row of the region for all tokens
  int64_t wanted_width = 0;           // the same for selected values

  // Training only. Where values and gradients lie in all later passes, and per node what its
  // backward needs besides values (norm scales, log-sum-exp), and whether it runs a second time; if
  // so, these are only kept then. Logits need no memory here.
  std::vector<int64_t> kept_offset, grad_offset, saved_offset;
  std::vector<bool> recomputed;
};

MemoryPlan plan_inference_memory(const Graph& graph, const std::vector<Step>& steps);
MemoryPlan plan_training_memory(const Graph& graph, const std::vector<Visit>& visits);

}  // namespace avocado::graph
