#include "train/state.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "files/safetensors.h"
#include "train/digest.h"
#include "train/optimizer.h"

namespace avocado {
namespace {

constexpr int64_t kAlign = 16;  // floats in a cache line
constexpr const char* kFormat = "avocado-checkpoint-2";
constexpr const char* kParams = "p";

std::string tensor_name(const std::string& part, const graph::Weight& weight) {
  return part + "." + weight.name;
}

size_t tensor_bytes(DType type, std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t n : shape) count *= n;
  return *dtype_bytes(type, count);
}

// One tensor of a checkpoint, its bytes in the state's memory; none when another process keeps it.
struct Entry {
  int64_t weight;
  bool here;  // this process keeps what is kept of the weight
  std::string name;
  DType type;
  std::vector<int64_t> shape;
  std::span<std::byte> bytes;

  size_t size() const { return tensor_bytes(type, shape); }
};

// In the order of the state's digest: of each weight the parameters, which every process has, then
// what is kept.
std::vector<Entry> entries(const graph::Graph& graph, const TrainState& state) {
  std::vector<Entry> list;
  for (size_t w = 0; w < graph.weights.size(); ++w) {
    const graph::Weight& weight = graph.weights[w];
    const auto number = static_cast<int64_t>(w);
    const std::vector<StateTensor>& kept = state.kept[w];
    const bool here = kept.empty() || kept[0].data.size() > 0;
    const std::span params(state.param(static_cast<int>(w)), static_cast<size_t>(weight.count()));
    list.push_back({number,
                    here,
                    tensor_name(kParams, weight),
                    DType::f32,
                    {weight.rows, weight.cols},
                    std::as_writable_bytes(params)});
    for (const StateTensor& tensor : kept)
      list.push_back({number, here, tensor_name(tensor.part, weight), tensor.type, tensor.shape,
                      std::span(tensor.data.data(), tensor.data.size())});
  }
  return list;
}

// The bytes of a tensor. Every process has the parameters.
std::span<const std::byte> bytes_of(const Entry& entry, const Gather& gather) {
  if (!gather || entry.name.starts_with(std::string(kParams) + ".")) return entry.bytes;
  return gather(entry.weight, entry.bytes, entry.size());
}

// Each process hashes the tensors of the weights that it keeps.
std::vector<NamedDigest> digests_of(const std::vector<Entry>& list, ThreadPool& pool,
                                    const Gather& gather) {
  std::vector<NamedBytes> own;
  for (const Entry& entry : list)
    if (entry.here) own.push_back({entry.name, entry.bytes});
  std::vector<NamedDigest> digests = tensor_digests(own, pool);
  if (!gather) return digests;
  std::vector<NamedDigest> all;
  auto next = digests.begin();
  for (const Entry& entry : list) {
    std::span<const std::byte> bytes;
    if (entry.here) bytes = (next++)->digest;
    const std::span<const std::byte> digest = gather(entry.weight, bytes, sizeof(Digest));
    NamedDigest& named = all.emplace_back();
    named.name = entry.name;
    if (digest.size() == sizeof(Digest))
      std::copy_n(digest.data(), digest.size(), named.digest.data());
  }
  return all;
}

std::string digest_of(const TrainState& state, const std::string& definition,
                      std::span<const NamedDigest> tensors) {
  return digest_root(static_cast<uint64_t>(state.step), state.position, definition, tensors);
}

// 64 hex digits per tensor.
std::string hex_digits(const std::vector<NamedDigest>& tensors) {
  std::string text;
  for (const NamedDigest& tensor : tensors)
    for (const std::byte byte : tensor.digest)
      text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
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

std::span<const std::byte> stored_bytes(const SafetensorsFile& file, const Entry& entry) {
  const TensorView* tensor = file.tensor(entry.name);
  if (!tensor) fail_input("{}: tensor {} is missing", file.path(), entry.name);
  if (tensor->type != entry.type || tensor->shape != entry.shape)
    fail_input("{}: tensor {} is not {} of shape [{}]", file.path(), entry.name,
               dtype_traits(entry.type)->name, fmt::join(entry.shape, ", "));
  return tensor->data;
}

// A checkpoint of this model and run; the tensors lie in the mapped file, in the order of entries.
struct CheckpointFile {
  SafetensorsFile file;
  int64_t step;
  uint64_t position;
  std::vector<NamedBytes> tensors;
};

CheckpointFile open_checkpoint(const std::string& path, const std::vector<Entry>& expected,
                               const std::string& definition) {
  CheckpointFile read{SafetensorsFile::open(path), 0, 0, {}};
  const SafetensorsFile& file = read.file;
  if (metadata(file, "format") != kFormat)
    fail_input("{}: checkpoint format \"{}\"; this build reads {}", path, metadata(file, "format"),
               kFormat);
  if (metadata(file, "definition") != definition)
    fail_input("{}: belongs to another run (its definition is {}, this one's {})", path,
               metadata(file, "definition"), definition);
  if (file.tensors().size() != expected.size())
    fail_input("{}: {} tensors; this run's checkpoints have {}", path, file.tensors().size(),
               expected.size());
  read.step = static_cast<int64_t>(metadata_number(file, "step"));
  read.position = metadata_number(file, "position");
  for (const Entry& entry : expected)
    read.tensors.push_back({entry.name, stored_bytes(file, entry)});
  return read;
}

// Throws unless the content gives the digests that the file has of itself, and names the tensor
// that does not.
void require_own_digest(const CheckpointFile& read, const std::string& definition,
                        ThreadPool& pool) {
  const std::vector<NamedDigest> found = tensor_digests(read.tensors, pool);
  const std::string& path = read.file.path();
  const std::string digits = hex_digits(found);
  const std::string& stored = metadata(read.file, "tensors");
  if (stored.size() != digits.size())
    fail_input("{}: \"tensors\" in its metadata must have {} digits; the file is damaged", path,
               digits.size());
  for (size_t t = 0; t < read.tensors.size(); ++t)
    if (digits.compare(64 * t, 64, stored, 64 * t, 64) != 0)
      fail_input("{}: tensor {} does not agree with its digest; the file is damaged", path,
                 read.tensors[t].name);
  if (digest_root(static_cast<uint64_t>(read.step), read.position, definition, found) !=
      metadata(read.file, "state"))
    fail_input(
        "{}: step and position do not agree with the digest of the state; the file is damaged",
        path);
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
    if (w < begin || w >= end) continue;
    for (StateTensor& tensor : kept.back()) {
      tensor.data = Buffer<std::byte>(tensor.bytes());
      std::memset(tensor.data.data(), 0, tensor.data.size());
    }
  }
}

size_t StateTensor::bytes() const { return tensor_bytes(type, shape); }

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
                         const std::string& definition, ThreadPool& pool, const Gather& gather) {
  return digest_of(state, definition, digests_of(entries(graph, state), pool, gather));
}

void write_checkpoint(const std::string& path, const graph::Graph& graph, const TrainState& state,
                      const std::string& definition, ThreadPool& pool, const Gather& gather,
                      bool leader) {
  std::vector<Entry> list = entries(graph, state);
  const std::vector<NamedDigest> digests = digests_of(list, pool, gather);
  // The parameters in front, as they alone are what most readers want.
  std::stable_partition(list.begin(), list.end(), [](const Entry& entry) {
    return entry.name.starts_with(std::string(kParams) + ".");
  });
  const auto data_of = [&](size_t i) { return bytes_of(list[i], gather); };
  if (!leader) {
    for (size_t i = 0; i < list.size(); ++i) data_of(i);
    return;
  }
  std::vector<TensorView> tensors;
  for (const Entry& entry : list)
    tensors.push_back({.name = entry.name, .type = entry.type, .shape = entry.shape, .data = {}});
  write_safetensors(path, tensors,
                    {{"format", kFormat},
                     {"step", std::to_string(state.step)},
                     {"position", std::to_string(state.position)},
                     {"definition", definition},
                     {"state", digest_of(state, definition, digests)},
                     {"tensors", hex_digits(digests)},
                     {"chain", state.chain}},
                    data_of);
}

void read_checkpoint(const std::string& path, const graph::Graph& graph, TrainState& state,
                     const std::string& definition, ThreadPool& pool) {
  const std::vector<Entry> list = entries(graph, state);
  const CheckpointFile read = open_checkpoint(path, list, definition);
  require_own_digest(read, definition, pool);
  const std::string& chain = metadata(read.file, "chain");
  for (size_t t = 0; t < list.size(); ++t)
    std::copy_n(read.tensors[t].bytes.data(), list[t].bytes.size(), list[t].bytes.data());
  state.step = read.step;
  state.position = read.position;
  state.chain = chain;
}

std::string compare_checkpoint(const std::string& path, const graph::Graph& graph,
                               const TrainState& state, const std::string& definition,
                               ThreadPool& pool, const Gather& gather) {
  const std::vector<Entry> list = entries(graph, state);
  const CheckpointFile read = open_checkpoint(path, list, definition);
  std::string difference;  // the walk goes on after it, because all processes make it together
  for (size_t t = 0; t < list.size(); ++t) {
    const std::span<const std::byte> replayed = bytes_of(list[t], gather);
    if (!difference.empty()) continue;
    const std::byte* stored = read.tensors[t].bytes.data();
    const std::string& name = list[t].name;
    difference = list[t].type == DType::f32  ? first_difference<float>(name, stored, replayed)
                 : list[t].type == DType::i8 ? first_difference<int8_t>(name, stored, replayed)
                                             : first_difference<uint8_t>(name, stored, replayed);
  }
  if (!difference.empty()) return difference;
  if (read.step != state.step)
    return fmt::format("it holds step {} where step {} is expected", read.step, state.step);
  if (read.position != state.position)
    return fmt::format("its data position is {}; replayed {}", read.position, state.position);
  if (metadata(read.file, "chain") != state.chain)
    return "its chain of digests differs from the replayed one";
  require_own_digest(read, definition, pool);
  return {};
}

std::vector<float> read_parameters(const std::string& path, const graph::Graph& graph) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  const WeightLayout layout(graph);
  std::vector<float> params(static_cast<size_t>(layout.total));
  for (size_t w = 0; w < graph.weights.size(); ++w) {
    const graph::Weight& weight = graph.weights[w];
    const auto bytes = stored_bytes(
        file, {0, true, tensor_name(kParams, weight), DType::f32, {weight.rows, weight.cols}, {}});
    std::memcpy(params.data() + layout.offset[w], bytes.data(), bytes.size());
  }
  return params;
}

}  // namespace avocado
