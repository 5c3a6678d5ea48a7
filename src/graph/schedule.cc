#include "graph/schedule.h"

#include <algorithm>

#include "base/error.h"
#include "graph/op.h"

namespace avocado::graph {
namespace {

const OpTraits& traits(const Node& node) { return op<float>(node.op).traits; }

// The last node that reads each value; its producer when none does.
std::vector<int> last_readers(const Graph& graph) {
  std::vector<int> last;
  for (const Value& value : graph.values) last.push_back(value.producer);
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i)
    for (ValueId v : graph.nodes[i].in) last[v] = i;
  return last;
}

// Where layers begin: the last place before each attention that a single value passes, the
// residual stream. That value is kept, so its producer must not need another run for its backward.
std::vector<int> layer_starts(const Graph& graph) {
  const std::vector<int> last = last_readers(graph);
  std::vector<int> starts;
  int place = -1;
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
    int passing = 0;
    bool plain = true;
    for (size_t v = 0; v < last.size(); ++v) {
      if (graph.values[v].producer >= i || last[v] < i) continue;
      ++passing;
      const OpTraits& producer = traits(graph.nodes[graph.values[v].producer]);
      plain = plain && !producer.keeps_output && !producer.saved_width;
    }
    if (passing == 1 && plain) place = i;
    if (graph.nodes[i].op == OpKind::attention && place >= 0 &&
        (starts.empty() || starts.back() != place))
      starts.push_back(place);
  }
  return starts;
}

// Nodes of [begin, end) whose values a backward in there reads, and what these are made from.
std::vector<int> needed_again(const Graph& graph, int begin, int end) {
  std::vector<bool> read(graph.values.size(), false);
  std::vector<int> nodes;
  for (int i = end - 1; i >= begin; --i) {
    const Node& node = graph.nodes[i];
    const bool again = read[node.out] || traits(node).keeps_output || traits(node).saved_width;
    if (again) nodes.push_back(i);
    if (again || traits(node).keeps_inputs)
      for (ValueId v : node.in) read[v] = true;
  }
  std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

}  // namespace

std::vector<Visit> plan_training(const Graph& graph, bool recompute) {
  const int head = static_cast<int>(graph.nodes.size()) - 1;
  if (head < 0 || graph.logits != graph.nodes[head].out)
    fail_usage("graph: training needs logits that the last node makes");
  std::vector<Visit> visits;
  for (int i = 0; i < head; ++i) visits.push_back({i, Pass::forward});
  visits.push_back({head, Pass::head});
  std::vector<int> starts = recompute ? layer_starts(graph) : std::vector<int>{};
  int end = head;
  if (!starts.empty()) {
    for (int i = end - 1; i >= starts.back(); --i) visits.push_back({i, Pass::backward});
    end = starts.back();
    starts.pop_back();
  }
  for (; !starts.empty(); starts.pop_back()) {
    for (int i : needed_again(graph, starts.back(), end)) visits.push_back({i, Pass::recompute});
    for (int i = end - 1; i >= starts.back(); --i) visits.push_back({i, Pass::backward});
    end = starts.back();
  }
  for (int i = end - 1; i >= 0; --i) visits.push_back({i, Pass::backward});
  return visits;
}

}  // namespace avocado::graph
