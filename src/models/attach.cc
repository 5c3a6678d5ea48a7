#include <algorithm>

#include "base/error.h"
#include "models/model_storage.h"

namespace avocado {
void Model::attach(std::vector<ScaledAdapter> adapters, ThreadPool& pool) {
  std::erase_if(adapters, [](const ScaledAdapter& a) { return a.scale == 0; });
  if (adapters.empty()) return;
  Storage& s = *storage_;
  if (!s.adapters.empty()) fail_usage("the model has its adapters already");
  s.adapters = std::move(adapters);
  std::vector<graph::AdapterTarget> targets;
  std::vector<const float*> values;
  for (const ScaledAdapter& scaled : s.adapters) {
    for (const graph::AdapterTarget& target : scaled_targets(scaled)) targets.push_back(target);
    for (const float* weight : scaled.adapter.weights()) values.push_back(weight);
  }
  graph_ = std::make_unique<graph::Graph>(graph::with_adapters(*graph_, targets));

  s.decoded.resize(graph_->weights.size());
  s.matrices.resize(graph_->weights.size());
  for (size_t i = s.from_file; i < graph_->weights.size(); ++i) {
    const graph::Weight& w = graph_->weights[i];
    TensorView view{
        .name = w.name,
        .type = DType::f32,
        .shape = {w.rows, w.cols},
        .data = std::as_bytes(std::span(values[i - s.from_file], static_cast<size_t>(w.count())))};
    if (!w.matrix) view.shape = {w.cols};
    s.stored.push_back(view);
    if (!w.matrix) continue;
    const PackedEntry entry = packing_of(view, w, static_cast<uint32_t>(i));
    std::byte* packed = s.owned.emplace_back(entry.bytes).data();
    pack_matrix(pool, view, entry, packed);
    s.matrices[i] = packed_matrix(entry, packed);
  }

  if (std::none_of(targets.begin(), targets.end(), [](const auto& t) { return t.magnitude; }))
    return;
  std::vector<graph::WeightRef<float>> refs = weights();
  std::vector<std::vector<float>> moved(refs.size());
  for (const graph::AdapterTarget& target : targets) {
    const auto w = static_cast<size_t>(target.weight);
    if (!target.magnitude || !permuted(w)) continue;
    moved[w] = to_f32(in_own_order(w).view);
    refs[w].data = moved[w].data();
  }
  s.norms.emplace(*graph_);
  s.norms->compute(pool, refs);
}

}  // namespace avocado
