#include "models/adapter.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "files/atomic_file.h"
#include "models/adapter_files.h"
#include "models/model.h"
#include "models/permute.h"

namespace avocado {

float Adapter::gguf_alpha(int64_t rank) const {
  return static_cast<float>(rank_stabilized ? alpha * std::sqrt(static_cast<double>(rank)) : alpha);
}

double Adapter::scale(int64_t rank) const {
  return static_cast<float>(static_cast<double>(gguf_alpha(rank)) / static_cast<double>(rank));
}

std::vector<graph::AdapterTarget> Adapter::targets() const {
  std::vector<graph::AdapterTarget> list;
  for (const AdapterMatrix& m : matrices)
    list.push_back({.weight = m.weight,
                    .rank = m.rank,
                    .scale = scale(m.rank),
                    .magnitude = !m.magnitude.empty()});
  return list;
}

std::vector<graph::AdapterTarget> scaled_targets(const ScaledAdapter& scaled) {
  std::vector<graph::AdapterTarget> targets = scaled.adapter.targets();
  for (graph::AdapterTarget& target : targets) {
    if (target.magnitude && scaled.scale != 1)
      fail_usage("a DoRA adapter cannot be scaled by {}; 1 and 0 are what it can be", scaled.scale);
    target.scale = static_cast<float>(target.scale * scaled.scale);
  }
  return targets;
}

std::vector<const float*> Adapter::weights() const {
  std::vector<const float*> list;
  for (const AdapterMatrix& m : matrices) {
    list.push_back(m.a.data());
    list.push_back(m.b.data());
    if (!m.magnitude.empty()) list.push_back(m.magnitude.data());
  }
  return list;
}

std::string Adapter::digest(const graph::Graph& model) const {
  return weights_digest(adapter_weights(model, targets()), weights());
}

graph::Graph adapter_weights(const graph::Graph& model,
                             std::span<const graph::AdapterTarget> targets) {
  graph::Graph added;
  const graph::Graph both = graph::with_adapters(model, targets);
  added.weights.assign(both.weights.begin() + static_cast<int64_t>(model.weights.size()),
                       both.weights.end());
  return added;
}

namespace {

std::vector<float> read_matrix(const TensorView& tensor, const std::vector<int64_t>& shape,
                               const std::string& source) {
  if (tensor.shape != shape)
    fail_input("{}: tensor {} has shape [{}], expected [{}] for this model", source, tensor.name,
               fmt::join(tensor.shape, ", "), fmt::join(shape, ", "));
  const DTypeTraits* traits = dtype_traits(tensor.type);
  if (!traits || !traits->to_f32)
    fail_input("{}: tensor {} has type {}, which this build cannot compute with", source,
               tensor.name, traits ? traits->name : "unknown");
  return to_f32(tensor);
}

// The rows of B or the elements of a magnitude, brought from the order of Hugging Face files.
void reorder(std::vector<float>& values, const graph::Weight& w, int64_t cols) {
  if (w.permuted_heads == 0) return;
  graph::Weight rows = w;
  rows.matrix = true;
  rows.cols = cols;
  TensorView view{.name = w.name,
                  .type = DType::f32,
                  .shape = {w.rows, cols},
                  .data = std::as_bytes(std::span(values))};
  const std::vector<std::byte> moved = rows_from_hf(view, rows);
  std::copy(moved.begin(), moved.end(), reinterpret_cast<std::byte*>(values.data()));
}

}  // namespace

std::vector<AdapterMatrix> read_adapter_matrices(const AdapterTensorMap& tensors,
                                                 const graph::Graph& model,
                                                 std::string graph::Weight::*name, bool from_hf,
                                                 const std::string& source) {
  if (tensors.empty()) fail_input("{}: holds no adapter", source);
  std::vector<AdapterMatrix> matrices;
  size_t known = 0;
  for (const graph::WeightId id : graph::adaptable_weights(model)) {
    const graph::Weight& w = model.weights[static_cast<size_t>(id)];
    const auto found = tensors.find(w.*name);
    if (found == tensors.end()) continue;
    ++known;
    const AdapterTensors& t = found->second;
    if (!t.a || !t.b) fail_input("{}: of the two matrices for {} one is missing", source, w.*name);
    if (t.a->shape.size() != 2 || t.a->shape[0] < 1)
      fail_input("{}: tensor {} has shape [{}], which has no rank", source, t.a->name,
                 fmt::join(t.a->shape, ", "));
    AdapterMatrix& m = matrices.emplace_back();
    m.weight = id;
    m.rank = t.a->shape[0];
    m.a = read_matrix(*t.a, {m.rank, w.cols}, source);
    m.b = read_matrix(*t.b, {w.rows, m.rank}, source);
    if (t.magnitude) m.magnitude = read_matrix(*t.magnitude, {w.rows}, source);
    if (!from_hf) continue;
    reorder(m.b, w, m.rank);
    if (t.magnitude) reorder(m.magnitude, w, 1);
  }
  if (known == tensors.size()) return matrices;
  for (const auto& [weight, of_weight] : tensors) {
    const bool adaptable = std::any_of(
        matrices.begin(), matrices.end(), [&, &wanted = weight](const AdapterMatrix& m) {
          return model.weights[static_cast<size_t>(m.weight)].*name == wanted;
        });
    if (!adaptable)
      fail_input("{}: is for {}, which is no matrix of this model that can have an adapter", source,
                 weight);
  }
  return matrices;
}

Adapter load_adapter(const std::string& path, const ModelConfig& config,
                     const graph::Graph& model) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) return read_adapter_gguf(GgufFile::open(path), config, model);
  const fs::path folder(path);
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors"})
    if (!fs::exists(folder / name))
      fail_input(
          "{}: no {} in this folder; an adapter is a GGUF file or a folder as PEFT writes it", path,
          name);
  return read_adapter_peft(
      read_text_file((folder / "adapter_config.json").string(), uint64_t{16} << 20),
      SafetensorsFile::open((folder / "adapter_model.safetensors").string()), model, path);
}

}  // namespace avocado
