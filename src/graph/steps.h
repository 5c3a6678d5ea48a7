#pragma once
// The order in which inference walks a graph. A step is a chain of nodes that work on rows (op.h),
// then, if the next node is a linear or an attention, that node, and with a linear the following
// ones that read the same value. Threads meet twice per step instead of once per node; a few rows
// go through the whole chain, and through the first part of what follows it, while they are in the
// cache. A layer of a Llama has five steps.

#include <string>
#include <vector>

#include "graph/graph.h"

namespace avocado::graph {

struct Step {
  int begin = 0;  // the chain is [begin, main)
  int main = 0;   // nodes [main, end) run together; empty at the end of a graph
  int end = 0;
};

std::vector<Step> plan_steps(const Graph& graph);

// A node by itself: training goes node by node (schedule.h), because it keeps what backward needs.
Step single_step(const Graph& graph, int node);

// For profiles: "rms_norm + linear attn_q, attn_k, attn_v".
std::string step_name(const Graph& graph, const Step& step);

}  // namespace avocado::graph
