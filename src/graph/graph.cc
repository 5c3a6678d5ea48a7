#include "graph/graph.h"

#include <algorithm>

#include "base/error.h"

namespace avocado::graph {

int64_t Graph::parameter_count() const {
  int64_t n = 0;
  for (const Weight& w : weights) n += w.count();
  return n;
}

WeightId Graph::find_weight(const std::string& name) const {
  for (size_t i = 0; i < weights.size(); ++i)
    if (weights[i].name == name) return static_cast<WeightId>(i);
  return kNone;
}

template <class T>
int64_t Graph::page_bytes(kernels::CacheTypes types) const {
  int64_t n = 0;
  for (const Node& node : nodes) {
    if (node.op != OpKind::attention) continue;
    kernels::AttentionShape shape = node.attention;
    shape.cache = types;
    n = std::max(n, shape.page_bytes<T>());
  }
  return n;
}
template int64_t Graph::page_bytes<float>(kernels::CacheTypes) const;
template int64_t Graph::page_bytes<double>(kernels::CacheTypes) const;

double Graph::flops_per_token() const {
  double flops = 0;
  for (const Node& node : nodes)
    if (node.op == OpKind::linear)
      flops += 2.0 * static_cast<double>(weights[node.weights[0]].count());
  return flops;
}

double Graph::flops_per_token_and_key() const {
  double flops = 0;
  for (const Node& node : nodes)
    if (node.op == OpKind::attention)
      flops += 4.0 * static_cast<double>(node.attention.heads * node.attention.head_dim);
  return flops;
}

namespace {

void require(bool ok, const char* op, const std::string& what) {
  if (!ok) fail_usage("graph: {}: {}", op, what);
}

}  // namespace

WeightId Builder::weight(Weight weight) {
  require(weight.rows > 0 && weight.cols > 0, "weight", weight.name + " has no elements");
  require(names_.insert(weight.name).second, "weight", weight.name + " is declared twice");
  graph_.weights.push_back(std::move(weight));
  return static_cast<WeightId>(graph_.weights.size()) - 1;
}

ValueId Builder::emit(Node node, int64_t width, bool selected) {
  const ValueId out = static_cast<ValueId>(graph_.values.size());
  node.out = out;
  graph_.values.push_back({width, selected, static_cast<int>(graph_.nodes.size())});
  graph_.nodes.push_back(std::move(node));
  return out;
}

ValueId Builder::embed(WeightId table) {
  return emit({.op = OpKind::embed, .in = {}, .weights = {table}}, graph_.weights[table].cols,
              false);
}

ValueId Builder::rms_norm(ValueId x, WeightId w, int64_t groups) {
  const Value v = graph_.values[x];
  require(v.width == groups * graph_.weights[w].cols, "rms_norm",
          fmt::format("{} groups of {} do not fill a row of {}", groups, graph_.weights[w].cols,
                      v.width));
  return emit({.op = OpKind::rms_norm, .in = {x}, .weights = {w}, .heads = groups}, v.width,
              v.selected);
}

ValueId Builder::linear(ValueId x, WeightId w, WeightId bias) {
  const Value v = graph_.values[x];
  const Weight& matrix = graph_.weights[w];
  require(v.width == matrix.cols, "linear",
          fmt::format("{} takes rows of {}, not {}", matrix.name, matrix.cols, v.width));
  Node node{.op = OpKind::linear, .in = {x}, .weights = {w}};
  if (bias != kNone) {
    require(graph_.weights[bias].count() == matrix.rows, "linear",
            fmt::format("{} has not {} elements", graph_.weights[bias].name, matrix.rows));
    node.weights.push_back(bias);
  }
  return emit(std::move(node), matrix.rows, v.selected);
}

ValueId Builder::rope(ValueId x, int64_t heads) {
  const Value v = graph_.values[x];
  require(
      !v.selected && v.width % heads == 0 && v.width / heads >= graph_.rope.dim, "rope",
      fmt::format("{} heads in a row of {}, {} elements turned", heads, v.width, graph_.rope.dim));
  return emit({.op = OpKind::rope, .in = {x}, .weights = {}, .heads = heads}, v.width, false);
}

ValueId Builder::attention(ValueId q, ValueId k, ValueId v, const kernels::AttentionShape& shape) {
  require(
      shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0 &&
          graph_.values[q].width == shape.heads * shape.head_dim &&
          graph_.values[k].width == shape.kv_heads * shape.head_dim &&
          graph_.values[v].width == shape.kv_heads * shape.head_dim,
      "attention",
      fmt::format("{} heads and {} kv heads of {}", shape.heads, shape.kv_heads, shape.head_dim));
  return emit({.op = OpKind::attention,
               .in = {q, k, v},
               .weights = {},
               .layer = graph_.layers++,
               .attention = shape},
              shape.heads * shape.head_dim, false);
}

ValueId Builder::swiglu(ValueId gate, ValueId up) {
  const Value v = graph_.values[gate];
  require(v.width == graph_.values[up].width, "swiglu", "gate and up differ in width");
  return emit({.op = OpKind::swiglu, .in = {gate, up}, .weights = {}}, v.width, v.selected);
}

ValueId Builder::add(ValueId a, ValueId b) {
  const Value v = graph_.values[a];
  require(v.width == graph_.values[b].width && v.selected == graph_.values[b].selected, "add",
          "the sides differ in shape");
  return emit({.op = OpKind::add, .in = {a, b}, .weights = {}}, v.width, v.selected);
}

ValueId Builder::add_scaled(ValueId a, ValueId b, double scale) {
  const Value v = graph_.values[a];
  require(v.width == graph_.values[b].width && v.selected == graph_.values[b].selected,
          "add_scaled", "the sides differ in shape");
  return emit({.op = OpKind::add_scaled, .in = {a, b}, .weights = {}, .scale = scale}, v.width,
              v.selected);
}

ValueId Builder::dora(ValueId product, ValueId adapted, const Dora& weights, double scale) {
  const Value v = graph_.values[product];
  require(v.width == graph_.values[adapted].width &&
              v.width == graph_.weights[weights.magnitude].count() &&
              v.width == graph_.weights[weights.w].rows,
          "dora", "the sides differ in shape");
  Node node{.op = OpKind::dora,
            .in = {product, adapted},
            .weights = {weights.magnitude, weights.w, weights.a, weights.b},
            .scale = scale};
  if (weights.bias != kNone) node.weights.push_back(weights.bias);
  return emit(std::move(node), v.width, v.selected);
}

ValueId Builder::select(ValueId x) {
  require(!graph_.values[x].selected, "select", "rows are selected already");
  return emit({.op = OpKind::select, .in = {x}, .weights = {}}, graph_.values[x].width, true);
}

}  // namespace avocado::graph
