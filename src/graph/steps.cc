#include "graph/steps.h"

#include "graph/op.h"

namespace avocado::graph {
namespace {

bool works_on_rows_alone(const Node& node) { return op<float>(node.op).finish == nullptr; }

// "blk.7.attn_q.weight" is attn_q in every layer.
std::string short_name(const std::string& weight) {
  const size_t end = weight.rfind('.');
  const size_t dot = end == std::string::npos ? end : weight.rfind('.', end - 1);
  return weight.substr(dot == std::string::npos ? 0 : dot + 1,
                       end - (dot == std::string::npos ? 0 : dot + 1));
}

}  // namespace

std::vector<Step> plan_steps(const Graph& graph) {
  const int count = static_cast<int>(graph.nodes.size());
  const auto selected = [&](int node) { return graph.values[graph.nodes[node].out].selected; };
  std::vector<Step> steps;
  for (int i = 0; i < count;) {
    Step step{i, i, i};
    // `select` reads any row of its input, so its input must be complete, and what follows has
    // other rows.
    while (i < count && works_on_rows_alone(graph.nodes[i]) &&
           (i == step.begin || selected(i) == selected(step.begin)))
      ++i;
    step.main = i;
    if (i < count && !works_on_rows_alone(graph.nodes[i]) && selected(i) == selected(step.begin)) {
      const Node& first = graph.nodes[i++];
      while (first.op == OpKind::linear && i < count && graph.nodes[i].op == OpKind::linear &&
             graph.nodes[i].in == first.in)
        ++i;
    }
    step.end = i;
    steps.push_back(step);
  }
  return steps;
}

Step single_step(const Graph& graph, int node) {
  return {node, works_on_rows_alone(graph.nodes[node]) ? node + 1 : node, node + 1};
}

std::string step_name(const Graph& graph, const Step& step) {
  std::string name;
  for (int i = step.begin; i < step.end; ++i) {
    const Node& node = graph.nodes[i];
    const bool weight = i >= step.main && node.op == OpKind::linear;
    if (i > step.main)
      name += ", ";
    else
      name += (name.empty() ? "" : " + ") + std::string(op<float>(node.op).traits.name) +
              (weight ? " " : "");
    if (weight) name += short_name(graph.weights[node.weights[0]].name);
  }
  return name;
}

}  // namespace avocado::graph
