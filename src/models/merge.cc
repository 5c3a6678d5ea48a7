#include "models/merge.h"

#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "base/error.h"
#include "kernels/adamw/adamw.h"

namespace avocado {
namespace {

bool is_float(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16;
}

// What is on one matrix, in the order of the adapters.
struct OnMatrix {
  const AdapterMatrix* matrix;
  double scale;
};

std::vector<float> merged(const graph::Weight& w, std::vector<float> values,
                          const std::vector<OnMatrix>& adapters, ThreadPool& pool) {
  for (const auto& [m, scale] : adapters) {
    std::vector<float> rows(values.size());
    graph::adapted_rows(pool, static_cast<const float*>(values.data()), m->a.data(), m->b.data(),
                        m->rank, scale, w.rows, w.cols, rows.data());
    for (int64_t r = 0; r < w.rows && !m->magnitude.empty(); ++r) {
      float* row = rows.data() + r * w.cols;
      const auto norm = static_cast<float>(std::sqrt(kernels::sum_squares(pool, row, w.cols)));
      const float factor = m->magnitude[static_cast<size_t>(r)] / (norm > 0 ? norm : 1.0f);
      for (int64_t c = 0; c < w.cols; ++c) row[c] *= factor;
    }
    values = std::move(rows);
  }
  return values;
}

std::vector<std::byte> rounded(const std::vector<float>& values, DType type,
                               const std::string& name) {
  std::vector<std::byte> bytes(*dtype_bytes(type, static_cast<int64_t>(values.size())));
  if (type == DType::f32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (type == DType::f16 && std::abs(values[i]) >= 65520.0f)
      fail_input("tensor {}: {} does not fit into F16; merge to BF16 or F32", name, values[i]);
    const uint16_t half = type == DType::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    std::memcpy(bytes.data() + 2 * i, &half, sizeof half);
  }
  return bytes;
}

}  // namespace

void merge_adapters(const Model& model, const std::vector<ScaledAdapter>& adapters,
                    std::optional<DType> type, const std::string& out, ThreadPool& pool) {
  std::map<graph::WeightId, std::vector<OnMatrix>> on;
  std::vector<graph::AdapterTarget> targets;
  for (const ScaledAdapter& scaled : adapters) {
    if (scaled.scale == 0) continue;
    const std::vector<graph::AdapterTarget> own = scaled_targets(scaled);
    targets.insert(targets.end(), own.begin(), own.end());
    for (size_t i = 0; i < own.size(); ++i)
      on[own[i].weight].push_back({&scaled.adapter.matrices[i], own[i].scale});
  }
  graph::with_adapters(model.graph(), targets);  // refuses what cannot be together

  const std::vector<graph::Weight>& weights = model.graph().weights;
  std::vector<Model::OwnOrder> kept;
  std::vector<std::vector<std::byte>> changed;
  std::vector<StoredWeight> stored;
  for (size_t i = 0; i < weights.size(); ++i) {
    kept.push_back(model.in_own_order(i));
    const TensorView& tensor = kept.back().view;
    const auto found = on.find(static_cast<graph::WeightId>(i));
    if (found == on.end()) {
      stored.push_back({tensor.type, tensor.data});
      continue;
    }
    const DType result = type.value_or(is_float(tensor.type) ? tensor.type : DType::f16);
    changed.push_back(
        rounded(merged(weights[i], to_f32(tensor), found->second, pool), result, weights[i].name));
    stored.push_back({result, changed.back()});
  }
  save_gguf(out, model.config(), model.graph(), stored, model.tokenizer(), model.chat_template());
}

}  // namespace avocado
