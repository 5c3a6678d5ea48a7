#include "graph/adapters.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "kernels/adamw/adamw.h"
#include "kernels/adapters/adapters.h"
#include "kernels/linear/linear.h"

namespace avocado::graph {
namespace {

// An adapter and where its weights are in the new graph.
struct Placed {
  AdapterTarget target;
  WeightId a, b, magnitude = kNone;
};

class Rewriter {
 public:
  Rewriter(const Graph& base, std::span<const AdapterTarget> targets)
      : base_(base), builder_(result_), moved_(base.values.size(), kNone) {
    result_.rope = base.rope;
    result_.norm_eps = base.norm_eps;
    result_.layers = base.layers;
    for (const Weight& weight : base.weights) builder_.weight(weight);
    const std::vector<WeightId> adaptable = adaptable_weights(base);
    for (const AdapterTarget& target : targets) {
      if (!std::binary_search(adaptable.begin(), adaptable.end(), target.weight) || target.rank < 1)
        fail_usage("graph: weight {} cannot have an adapter of rank {}", target.weight,
                   target.rank);
      declare(target);
    }
  }

  Graph rewrite() {
    const std::vector<Node>& nodes = base_.nodes;
    for (size_t i = 0; i < nodes.size();) {
      if (nodes[i].op != OpKind::linear) {
        copy(nodes[i++]);
        continue;
      }
      size_t end = i + 1;
      while (end < nodes.size() && nodes[end].op == OpKind::linear && nodes[end].in == nodes[i].in)
        ++end;
      products(std::span(nodes).subspan(i, end - i));
      i = end;
    }
    builder_.finish(moved_[base_.logits]);
    return std::move(result_);
  }

 private:
  void declare(const AdapterTarget& target) {
    const Weight w = base_.weights[target.weight];
    std::vector<Placed>& on_weight = placed_[target.weight];
    if (!on_weight.empty() && (target.magnitude || on_weight.front().target.magnitude))
      fail_usage("{}: a DoRA adapter must be the only one on a matrix; merge the first", w.name);
    const std::string number = on_weight.empty() ? "" : fmt::format(".{}", on_weight.size() + 1);
    Placed placed{.target = target, .a = kNone, .b = kNone};
    placed.a = builder_.weight({.name = w.name + ".lora_a" + number,
                                .hf_name = "",
                                .rows = target.rank,
                                .cols = w.cols,
                                .matrix = true});
    placed.b = builder_.weight({.name = w.name + ".lora_b" + number,
                                .hf_name = "",
                                .rows = w.rows,
                                .cols = target.rank,
                                .matrix = true,
                                .init = Init::zeros,
                                .permuted_heads = w.permuted_heads});
    if (target.magnitude)
      placed.magnitude = builder_.weight({.name = w.name + ".lora_magnitude" + number,
                                          .hf_name = "",
                                          .rows = 1,
                                          .cols = w.rows,
                                          .init = Init::ones,
                                          .permuted_heads = w.permuted_heads});
    on_weight.push_back(placed);
  }

  void copy(const Node& node) {
    Node moved = node;
    for (ValueId& v : moved.in) v = moved_[v];
    moved.out = static_cast<ValueId>(result_.values.size());
    Value value = base_.values[node.out];
    value.producer = static_cast<int>(result_.nodes.size());
    result_.values.push_back(value);
    result_.nodes.push_back(std::move(moved));
    moved_[node.out] = static_cast<ValueId>(result_.values.size()) - 1;
  }

  const std::vector<Placed>& adapters_of(const Node& node) const {
    static const std::vector<Placed> none;
    const auto found = placed_.find(node.weights[0]);
    return found == placed_.end() ? none : found->second;
  }

  // Products of one value: all that read it, then what joins them.
  void products(std::span<const Node> nodes) {
    const ValueId x = moved_[nodes[0].in[0]];
    std::vector<std::pair<const Node*, ValueId>> sums;
    for (const Node& node : nodes) {
      const std::vector<Placed>& adapters = adapters_of(node);
      const bool dora = !adapters.empty() && adapters[0].magnitude != kNone;
      const WeightId bias = node.weights.size() > 1 && !dora ? node.weights[1] : kNone;
      sums.emplace_back(&node, builder_.linear(x, node.weights[0], bias));
    }
    std::vector<ValueId> inner;
    for (const Node& node : nodes)
      for (const Placed& adapter : adapters_of(node))
        inner.push_back(builder_.linear(x, adapter.a));
    auto next = inner.begin();
    for (auto& [node, sum] : sums) {
      for (const Placed& adapter : adapters_of(*node)) {
        const ValueId adapted = builder_.linear(*next++, adapter.b);
        const double scale = adapter.target.scale;
        if (adapter.magnitude == kNone)
          sum = builder_.add_scaled(sum, adapted, scale);
        else
          sum = builder_.dora(sum, adapted,
                              {.magnitude = adapter.magnitude,
                               .w = node->weights[0],
                               .a = adapter.a,
                               .b = adapter.b,
                               .bias = node->weights.size() > 1 ? node->weights[1] : kNone},
                              scale);
      }
      moved_[node->out] = sum;
    }
  }

  const Graph& base_;
  Graph result_;
  Builder builder_;
  std::map<WeightId, std::vector<Placed>> placed_;
  std::vector<ValueId> moved_;  // values of the base in the result
};

// Rows that one task brings together.
constexpr int64_t kRows = 64;

double norm_of(ThreadPool& alone, const float* row, int64_t count) {
  return std::sqrt(kernels::sum_squares(alone, row, count));
}

double norm_of(ThreadPool&, const double* row, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum = std::fma(row[i], row[i], sum);
  return std::sqrt(sum);
}

// Rows [first, first + rows) of a weight: where they are, or decoded into `scratch`.
template <class T>
const T* rows_of(const WeightRef<T>& w, int64_t first, int64_t rows, int64_t cols,
                 std::vector<T>& scratch) {
  if (w.data) return w.data + first * cols;
  if constexpr (std::is_same_v<T, float>) {
    scratch.resize(static_cast<size_t>(rows * cols));
    const uint64_t row_bytes = *dtype_bytes(w.stored->type, cols);
    dtype_traits(w.stored->type)
        ->to_f32(w.stored->data.data() + static_cast<uint64_t>(first) * row_bytes, scratch.data(),
                 rows * cols);
    return scratch.data();
  } else {
    fail_usage("graph: the norms of a weight in its stored type are computed as float only");
  }
}

}  // namespace

std::vector<WeightId> adaptable_weights(const Graph& graph) {
  std::vector<int> products(graph.weights.size()), others(graph.weights.size());
  for (const Node& node : graph.nodes)
    for (size_t i = 0; i < node.weights.size(); ++i)
      ++(node.op == OpKind::linear && i == 0 ? products : others)[node.weights[i]];
  std::vector<WeightId> found;
  for (size_t w = 0; w < graph.weights.size(); ++w)
    if (products[w] == 1 && others[w] == 0) found.push_back(static_cast<WeightId>(w));
  return found;
}

Graph with_adapters(const Graph& base, std::span<const AdapterTarget> targets) {
  return Rewriter(base, targets).rewrite();
}

template <class T>
void adapted_rows(ThreadPool& pool, const T* w, const T* a, const T* b, int64_t rank, double scale,
                  int64_t rows, int64_t cols, T* out) {
  kernels::linear_backward_input(pool, b, a, out, rows, rank, cols, false);
  kernels::add_scaled(pool, w, static_cast<const T*>(out), scale, out, rows * cols);
}
template void adapted_rows(ThreadPool&, const float*, const float*, const float*, int64_t, double,
                           int64_t, int64_t, float*);
template void adapted_rows(ThreadPool&, const double*, const double*, const double*, int64_t,
                           double, int64_t, int64_t, double*);

template <class T>
RowNorms<T>::RowNorms(const Graph& graph) : graph_(graph), norms_(graph.nodes.size()) {
  for (size_t i = 0; i < norms_.size(); ++i)
    if (graph.nodes[i].op == OpKind::dora)
      norms_[i].resize(static_cast<size_t>(graph.values[graph.nodes[i].out].width));
}

template <class T>
void RowNorms<T>::put_into(std::vector<WeightRef<T>>& weights) const {
  for (size_t i = 0; i < norms_.size(); ++i)
    if (!norms_[i].empty()) weights[graph_.nodes[i].weights[0]].row_norms = norms_[i].data();
}

template <class T>
void RowNorms<T>::compute(ThreadPool& pool, const std::vector<WeightRef<T>>& weights) {
  for (size_t i = 0; i < norms_.size(); ++i) {
    if (norms_[i].empty()) continue;
    const Node& node = graph_.nodes[i];
    const Weight& shape = graph_.weights[node.weights[1]];
    const int64_t rank = graph_.weights[node.weights[2]].rows;
    const T *a = weights[node.weights[2]].data, *b = weights[node.weights[3]].data;
    pool.run_chunks(shape.rows, kRows, [&](int64_t first, int64_t end) {
      ThreadPool alone(1);
      std::vector<T> decoded, adapted(static_cast<size_t>((end - first) * shape.cols));
      const T* w = rows_of(weights[node.weights[1]], first, end - first, shape.cols, decoded);
      adapted_rows(alone, w, a, b + first * rank, rank, node.scale, end - first, shape.cols,
                   adapted.data());
      for (int64_t r = first; r < end; ++r) {
        const double norm = norm_of(alone, adapted.data() + (r - first) * shape.cols, shape.cols);
        norms_[i][static_cast<size_t>(r)] = norm > 0 ? static_cast<T>(norm) : T{1};
      }
    });
  }
}
template class RowNorms<float>;
template class RowNorms<double>;

}  // namespace avocado::graph
