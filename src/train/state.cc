#include "train/state.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "base/sha256.h"
#include "files/safetensors.h"
#include "train/optimizer.h"

namespace avocado {
namespace {

constexpr int64_t kAlign = 16;  // floats in a cache line
constexpr const char* kFormat = "avocado-checkpoint-1";
constexpr const char* kParams = "p";

std::string tensor_name(const std::string& part, const graph::Weight& weight) {
  return part + "." + weight.name;
}

// One tensor of a checkpoint, its bytes in the state's memory; none when another process keeps it.
struct Entry {
  std::string name;
  DType type;
  std::vector<int64_t> shape;
  std::span<std::byte> bytes;

  size_t size() const {
    int64_t count = 1;
    for (int64_t n : shape) count *= n;
    return *dtype_bytes(type, count);
  }
};

// Per weight, in the order of the state's digest: the parameters, then what is kept.
std::vector<std::vector<Entry>> entries(const graph::Graph& graph, const TrainState& state) {
  std::vector<std::vector<Entry>> result;
  for (size_t w = 0; w < graph.weights.size(); ++w) {
    const graph::Weight& weight = graph.weights[w];
    const std::span params(state.param(static_cast<int>(w)), static_cast<size_t>(weight.count()));
    std::vector<Entry>& list = result.emplace_back();
    list.push_back({tensor_name(kParams, weight),
                    DType::f32,
                    {weight.rows, weight.cols},
                    std::as_writable_bytes(params)});
    for (const StateTensor& tensor : state.kept[w])
      list.push_back({tensor_name(tensor.part, weight), tensor.type, tensor.shape,
                      std::span(tensor.data.data(), tensor.data.size())});
  }
  return result;
}

// The bytes of entry t of weight w. Every process has the parameters, the first entry.
std::span<const std::byte> bytes_of(const std::vector<std::vector<Entry>>& list, size_t w, size_t t,
                                    const Gather& gather) {
  const Entry& entry = list[w][t];
  if (!gather || t == 0) return entry.bytes;
  return gather(static_cast<int64_t>(w), entry.bytes, entry.size());
}

std::string digest_of(const std::vector<std::vector<Entry>>& list, const TrainState& state,
                      const std::string& definition, const Gather& gather) {
  Sha256 hash;
  hash.update(static_cast<uint64_t>(state.step)).update(state.position).update(definition);
  for (size_t w = 0; w < list.size(); ++w)
    for (size_t t = 0; t < list[w].size(); ++t) hash.update(bytes_of(list, w, t, gather));
  return hash.hex();
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

std::span<const std::byte> tensor_bytes(const SafetensorsFile& file, const Entry& entry) {
  const TensorView* tensor = file.tensor(entry.name);
  if (!tensor) fail_input("{}: tensor {} is missing", file.path(), entry.name);
  if (tensor->type != entry.type || tensor->shape != entry.shape)
    fail_input("{}: tensor {} is not {} of shape [{}]", file.path(), entry.name,
               dtype_traits(entry.type)->name, fmt::join(entry.shape, ", "));
  return tensor->data;
}

// A checkpoint whose content agrees with its own digest; the tensors lie in the mapped file.
struct CheckedFile {
  SafetensorsFile file;
  int64_t step;
  uint64_t position;
  std::vector<std::vector<std::span<const std::byte>>> tensors;  // as entries() has them
};

CheckedFile open_checked(const std::string& path, const std::vector<std::vector<Entry>>& expected,
                         const std::string& definition) {
  CheckedFile read{SafetensorsFile::open(path), 0, 0, {}};
  const SafetensorsFile& file = read.file;
  if (metadata(file, "format") != kFormat)
    fail_input("{}: checkpoint format \"{}\"; this build reads {}", path, metadata(file, "format"),
               kFormat);
  if (metadata(file, "definition") != definition)
    fail_input("{}: belongs to another run (its definition is {}, this one's {})", path,
               metadata(file, "definition"), definition);
  size_t count = 0;
  for (const std::vector<Entry>& weight : expected) count += weight.size();
  if (file.tensors().size() != count)
    fail_input("{}: {} tensors; this run's checkpoints have {}", path, file.tensors().size(),
               count);
  read.step = static_cast<int64_t>(metadata_number(file, "step"));
  read.position = metadata_number(file, "position");
  Sha256 hash;
  hash.update(static_cast<uint64_t>(read.step)).update(read.position).update(definition);
  for (const std::vector<Entry>& weight : expected) {
    auto& tensors = read.tensors.emplace_back();
    for (const Entry& entry : weight) hash.update(tensors.emplace_back(tensor_bytes(file, entry)));
  }
  if (hash.hex() != metadata(file, "state"))
    fail_input("{}: the content does not agree with its digest; the file is damaged", path);
  return read;
}

// What differs first between the stored and the replayed bytes of a tensor; empty when nothing
// does.
template <class T>
std::string first_difference(const std::string& tensor, const std::byte* stored,
                             std::span<const std::byte> replayed) {
  for (size_t i = 0; i < replayed.size() / sizeof(T); ++i) {
    T then, now;
    std::memcpy(&then, stored + i * sizeof(T), sizeof(T));
    std::memcpy(&now, replayed.data() + i * sizeof(T), sizeof(T));
    if (std::memcmp(&then, &now, sizeof(T)) != 0)
      return fmt::format("tensor {}, element {}: stored {}, replayed {}", tensor, i, then, now);
  }
  return {};
}

}  // namespace

WeightLayout::WeightLayout(const graph::Graph& graph) {
  for (const graph::Weight& weight : graph.weights) {
    offset.push_back(total);
    total += (weight.count() + kAlign - 1) / kAlign * kAlign;
  }
}

TrainState::TrainState(const graph::Graph& graph, const TrainOptions& options, int64_t begin,
                       int64_t end)
    : layout(graph), params(static_cast<size_t>(layout.total)) {
  std::fill_n(params.data(), layout.total, 0.0f);
  for (int w = 0; w < static_cast<int>(graph.weights.size()); ++w) {
    kept.push_back(kept_tensors(graph, options, w));
    if (w >= begin && w < end) continue;
    for (StateTensor& tensor : kept.back()) tensor.data = Buffer<std::byte>();
  }
}

const StateTensor* TrainState::kept_tensor(int weight, const std::string& part) const {
  for (const StateTensor& tensor : kept[weight])
    if (tensor.part == part) return &tensor;
  return nullptr;
}

float* TrainState::average(int weight) const {
  const StateTensor* tensor = kept_tensor(weight, kAverage);
  return tensor ? tensor->floats() : nullptr;
}

std::string state_digest(const graph::Graph& graph, const TrainState& state,
                         const std::string& definition, const Gather& gather) {
  return digest_of(entries(graph, state), state, definition, gather);
}

void write_checkpoint(const std::string& path, const graph::Graph& graph, const TrainState& state,
                      const std::string& definition, const Gather& gather, bool leader) {
  const std::vector<std::vector<Entry>> list = entries(graph, state);
  // By part and then by weight, as the parameters alone are what most readers want.
  size_t parts = 0;
  for (const std::vector<Entry>& weight : list) parts = std::max(parts, weight.size());
  std::vector<TensorView> tensors;
  std::vector<std::pair<size_t, size_t>> places;  // weight and part of each
  for (size_t part = 0; part < parts; ++part)
    for (size_t w = 0; w < list.size(); ++w) {
      if (part >= list[w].size()) continue;
      const Entry& entry = list[w][part];
      tensors.push_back({.name = entry.name, .type = entry.type, .shape = entry.shape, .data = {}});
      places.emplace_back(w, part);
    }
  const auto data_of = [&](size_t i) {
    return bytes_of(list, places[i].first, places[i].second, gather);
  };
  const std::string digest = digest_of(list, state, definition, gather);
  if (!leader) {
    for (size_t i = 0; i < tensors.size(); ++i) data_of(i);
    return;
  }
  write_safetensors(path, tensors,
                    {{"format", kFormat},
                     {"step", std::to_string(state.step)},
                     {"position", std::to_string(state.position)},
                     {"definition", definition},
                     {"state", digest},
                     {"chain", state.chain}},
                    data_of);
}

void read_checkpoint(const std::string& path, const graph::Graph& graph, TrainState& state,
                     const std::string& definition) {
  const std::vector<std::vector<Entry>> list = entries(graph, state);
  const CheckedFile read = open_checked(path, list, definition);
  const std::string& chain = metadata(read.file, "chain");
  for (size_t w = 0; w < list.size(); ++w)
    for (size_t t = 0; t < list[w].size(); ++t)
      std::copy_n(read.tensors[w][t].data(), list[w][t].bytes.size(), list[w][t].bytes.data());
  state.step = read.step;
  state.position = read.position;
  state.chain = chain;
}

std::string compare_checkpoint(const std::string& path, const graph::Graph& graph,
                               const TrainState& state, const std::string& definition,
                               const Gather& gather) {
  const std::vector<std::vector<Entry>> list = entries(graph, state);
  const CheckedFile read = open_checked(path, list, definition);
  if (read.step != state.step)
    return fmt::format("it holds step {} where step {} is expected", read.step, state.step);
  if (read.position != state.position)
    return fmt::format("its data position is {}; replayed {}", read.position, state.position);
  std::string difference;  // the walk goes on after it, because all processes make it together
  for (size_t w = 0; w < list.size(); ++w)
    for (size_t t = 0; t < list[w].size(); ++t) {
      const std::span<const std::byte> replayed = bytes_of(list, w, t, gather);
      if (!difference.empty()) continue;
      const auto& [name, type, shape, own] = list[w][t];
      const std::byte* stored = read.tensors[w][t].data();
      difference = type == DType::f32  ? first_difference<float>(name, stored, replayed)
                   : type == DType::i8 ? first_difference<int8_t>(name, stored, replayed)
                                       : first_difference<uint8_t>(name, stored, replayed);
    }
  if (!difference.empty()) return difference;
  if (metadata(read.file, "chain") != state.chain)
    return "its chain of digests differs from the replayed one";
  return {};
}

std::vector<float> read_parameters(const std::string& path, const graph::Graph& graph) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  const WeightLayout layout(graph);
  std::vector<float> params(static_cast<size_t>(layout.total));
  for (size_t w = 0; w < graph.weights.size(); ++w) {
    const graph::Weight& weight = graph.weights[w];
    const auto bytes = tensor_bytes(
        file, {tensor_name(kParams, weight), DType::f32, {weight.rows, weight.cols}, {}});
    std::memcpy(params.data() + layout.offset[w], bytes.data(), bytes.size());
  }
  return params;
}

}  // namespace avocado
