#include "train/state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "base/sha256.h"
#include "files/safetensors.h"

namespace avocado {
namespace {

constexpr int64_t kAlign = 16;  // floats in a cache line
constexpr const char* kFormat = "avocado-checkpoint-1";
constexpr std::array<const char*, 3> kParts = {"p.", "m.", "v."};

Buffer<float> zeros(int64_t count) {
  Buffer<float> buffer(static_cast<size_t>(count));
  std::fill_n(buffer.data(), count, 0.0f);
  return buffer;
}

std::array<float*, 3> parts(const TrainState& state) {
  return {state.params.data(), state.m.data(), state.v.data()};
}

const std::string& metadata(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    fail_input("{}: no \"{}\" in its metadata; it is not a checkpoint of a training run",
               file.path(), key);
  return found->second;
}

uint64_t metadata_number(const SafetensorsFile& file, const std::string& key) {
  const std::string& text = metadata(file, key);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > uint64_t{1} << 62)
    fail_input("{}: \"{}\" is \"{}\" in its metadata; it must be a number", file.path(), key, text);
  return number;
}

std::span<const std::byte> tensor_bytes(const SafetensorsFile& file, const std::string& name,
                                        const graph::Weight& weight) {
  const TensorView* tensor = file.tensor(name);
  if (!tensor) fail_input("{}: tensor {} is missing", file.path(), name);
  if (tensor->type != DType::f32 || tensor->shape != std::vector{weight.rows, weight.cols})
    fail_input("{}: tensor {} is not F32 of shape [{}, {}]", file.path(), name, weight.rows,
               weight.cols);
  return tensor->data;
}

// A checkpoint whose content agrees with its own digest; the tensors lie in the mapped file.
struct CheckedFile {
  SafetensorsFile file;
  int64_t step;
  uint64_t position;
  std::vector<std::array<std::span<const std::byte>, 3>> tensors;  // per weight: p, m, v
};

CheckedFile open_checked(const std::string& path, const graph::Graph& graph,
                         const std::string& definition) {
  CheckedFile read{SafetensorsFile::open(path), 0, 0, {}};
  const SafetensorsFile& file = read.file;
  if (metadata(file, "format") != kFormat)
    fail_input("{}: checkpoint format \"{}\"; this build reads {}", path, metadata(file, "format"),
               kFormat);
  if (metadata(file, "definition") != definition)
    fail_input("{}: belongs to another run (its definition is {}, this one's {})", path,
               metadata(file, "definition"), definition);
  if (file.tensors().size() != kParts.size() * graph.weights.size())
    fail_input("{}: {} tensors; this model's checkpoints have {}", path, file.tensors().size(),
               kParts.size() * graph.weights.size());
  read.step = static_cast<int64_t>(metadata_number(file, "step"));
  read.position = metadata_number(file, "position");
  Sha256 hash;
  hash.update(static_cast<uint64_t>(read.step)).update(read.position).update(definition);
  for (const graph::Weight& weight : graph.weights) {
    auto& tensors = read.tensors.emplace_back();
    for (size_t p = 0; p < kParts.size(); ++p) {
      tensors[p] = tensor_bytes(file, kParts[p] + weight.name, weight);
      hash.update(tensors[p]);
    }
  }
  if (hash.hex() != metadata(file, "state"))
    fail_input("{}: the content does not agree with its digest; the file is damaged", path);
  return read;
}

}  // namespace

WeightLayout::WeightLayout(const graph::Graph& graph) {
  for (const graph::Weight& weight : graph.weights) {
    offset.push_back(total);
    total += (weight.count() + kAlign - 1) / kAlign * kAlign;
  }
}

TrainState::TrainState(const graph::Graph& graph)
    : layout(graph), params(zeros(layout.total)), m(zeros(layout.total)), v(zeros(layout.total)) {}

std::string state_digest(const graph::Graph& graph, const TrainState& state,
                         const std::string& definition) {
  Sha256 hash;
  hash.update(static_cast<uint64_t>(state.step)).update(state.position).update(definition);
  for (size_t w = 0; w < graph.weights.size(); ++w)
    for (const float* part : parts(state))
      hash.update_array(
          std::span(part + state.layout.offset[w], static_cast<size_t>(graph.weights[w].count())));
  return hash.hex();
}

void write_checkpoint(const std::string& path, const graph::Graph& graph, const TrainState& state,
                      const std::string& definition) {
  std::vector<TensorView> tensors;
  for (size_t p = 0; p < kParts.size(); ++p)
    for (size_t w = 0; w < graph.weights.size(); ++w) {
      const graph::Weight& weight = graph.weights[w];
      const float* values = parts(state)[p] + state.layout.offset[w];
      tensors.push_back(
          {.name = kParts[p] + weight.name,
           .type = DType::f32,
           .shape = {weight.rows, weight.cols},
           .data = std::as_bytes(std::span(values, static_cast<size_t>(weight.count())))});
    }
  write_safetensors(path, tensors,
                    {{"format", kFormat},
                     {"step", std::to_string(state.step)},
                     {"position", std::to_string(state.position)},
                     {"definition", definition},
                     {"state", state_digest(graph, state, definition)},
                     {"chain", state.chain}});
}

void read_checkpoint(const std::string& path, const graph::Graph& graph, TrainState& state,
                     const std::string& definition) {
  const CheckedFile read = open_checked(path, graph, definition);
  for (size_t w = 0; w < graph.weights.size(); ++w)
    for (size_t p = 0; p < kParts.size(); ++p)
      std::memcpy(parts(state)[p] + state.layout.offset[w], read.tensors[w][p].data(),
                  read.tensors[w][p].size());
  state.step = read.step;
  state.position = read.position;
  state.chain = metadata(read.file, "chain");
}

std::string compare_checkpoint(const std::string& path, const graph::Graph& graph,
                               const TrainState& state, const std::string& definition) {
  const CheckedFile read = open_checked(path, graph, definition);
  if (read.step != state.step)
    return fmt::format("it holds step {} where step {} is expected", read.step, state.step);
  if (read.position != state.position)
    return fmt::format("its data position is {}; replayed {}", read.position, state.position);
  for (size_t p = 0; p < kParts.size(); ++p)
    for (size_t w = 0; w < graph.weights.size(); ++w) {
      const std::byte* stored = read.tensors[w][p].data();
      const float* replayed = parts(state)[p] + state.layout.offset[w];
      for (int64_t i = 0; i < graph.weights[w].count(); ++i) {
        float value;
        std::memcpy(&value, stored + i * sizeof value, sizeof value);
        if (std::bit_cast<uint32_t>(value) != std::bit_cast<uint32_t>(replayed[i]))
          return fmt::format("tensor {}{}, element {}: stored {}, replayed {}", kParts[p],
                             graph.weights[w].name, i, value, replayed[i]);
      }
    }
  if (metadata(read.file, "chain") != state.chain)
    return "its chain of digests differs from the replayed one";
  return {};
}

std::vector<float> read_parameters(const std::string& path, const graph::Graph& graph) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  const WeightLayout layout(graph);
  std::vector<float> params(static_cast<size_t>(layout.total));
  for (size_t w = 0; w < graph.weights.size(); ++w) {
    const auto bytes = tensor_bytes(file, kParts[0] + graph.weights[w].name, graph.weights[w]);
    std::memcpy(params.data() + layout.offset[w], bytes.data(), bytes.size());
  }
  return params;
}

}  // namespace avocado
