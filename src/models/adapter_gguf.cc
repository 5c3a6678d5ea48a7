#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "models/adapter_files.h"
#include "models/registry.h"

namespace avocado {
namespace {

// Ends of the names of tensors, behind the name of a weight. llama.cpp knows the first two and
// refuses a file with the third.
constexpr std::array<std::string_view, 3> kParts = {".lora_a", ".lora_b", ".lora_magnitude"};

}  // namespace

Adapter read_adapter_gguf(const GgufFile& file, const ModelConfig& config,
                          const graph::Graph& model) {
  const std::string& path = file.path();
  if (file.get_string("general.type", "model") != "adapter")
    fail_input("{}: general.type is \"{}\"; an adapter is wanted here", path,
               file.get_string("general.type", "model"));
  if (file.get_string("adapter.type") != "lora")
    fail_input("{}: adapter.type is \"{}\"; this build computes lora", path,
               file.get_string("adapter.type"));
  const std::string architecture(file.get_string("general.architecture"));
  const std::string wanted = avocado::architecture(config.architecture, path).gguf_name;
  if (architecture != wanted)
    fail_input("{}: is for the architecture {}; the model's is {}", path, architecture, wanted);
  Adapter adapter;
  adapter.alpha = file.get_float("adapter.lora.alpha");
  AdapterTensorMap tensors;
  for (const TensorView& tensor : file.tensors()) {
    const auto part = std::find_if(kParts.begin(), kParts.end(), [&](std::string_view end) {
      return tensor.name.ends_with(end);
    });
    if (part == kParts.end())
      fail_input("{}: tensor {} is no part of a LoRA adapter", path, tensor.name);
    AdapterTensors& t = tensors[tensor.name.substr(0, tensor.name.size() - part->size())];
    (part == kParts.begin() ? t.a : part == kParts.begin() + 1 ? t.b : t.magnitude) = &tensor;
  }
  adapter.matrices = read_adapter_matrices(tensors, model, &graph::Weight::name, false, path);
  // llama.cpp takes an alpha of zero for "no scale of its own".
  if (adapter.alpha == 0) {
    const int64_t rank = adapter.matrices.front().rank;
    for (const AdapterMatrix& m : adapter.matrices)
      if (m.rank != rank)
        fail_input("{}: adapter.lora.alpha is 0 and its matrices differ in rank", path);
    adapter.alpha = static_cast<double>(rank);
  }
  return adapter;
}

void save_adapter_gguf(const std::string& path, const ModelConfig& config,
                       const graph::Graph& model, const Adapter& adapter) {
  const int64_t rank = adapter.matrices.at(0).rank;
  if (adapter.rank_stabilized &&
      std::any_of(adapter.matrices.begin(), adapter.matrices.end(),
                  [&](const AdapterMatrix& m) { return m.rank != rank; }))
    fail_usage("{}: a rank-stabilized adapter of several ranks cannot be a GGUF file", path);
  GgufWriter out;
  out.set_string("general.type", "adapter");
  out.set_string("general.architecture", architecture(config.architecture, path).gguf_name);
  if (!config.name.empty()) out.set_string("general.name", config.name);
  out.set_string("adapter.type", "lora");
  out.set_f32("adapter.lora.alpha", adapter.gguf_alpha(rank));
  for (const AdapterMatrix& m : adapter.matrices) {
    const graph::Weight& w = model.weights[static_cast<size_t>(m.weight)];
    const auto add = [&](size_t part, const std::vector<float>& values,
                         std::vector<int64_t> shape) {
      if (values.empty()) return;
      out.add_tensor({.name = w.name + std::string(kParts[part]),
                      .type = DType::f32,
                      .shape = std::move(shape),
                      .data = std::as_bytes(std::span(values))});
    };
    add(0, m.a, {m.rank, w.cols});
    add(1, m.b, {w.rows, m.rank});
    add(2, m.magnitude, {w.rows});
  }
  out.write(path);
}

}  // namespace avocado
