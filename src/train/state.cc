#include "train/state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "files/safetensors.h"
#include "train/digest.h"

namespace avocado {
namespace {

constexpr int64_t kAlign = 16;  // floats in a cache line
constexpr const char* kFormat = "avocado-checkpoint-2";
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

// The tensors of a state as they are digested and stored, in the order of the file.
std::vector<NamedBytes> named_tensors(const graph::Graph& graph, const TrainState& state) {
  std::vector<NamedBytes> tensors;
  for (size_t p = 0; p < kParts.size(); ++p)
    for (size_t w = 0; w < graph.weights.size(); ++w)
      tensors.push_back({kParts[p] + graph.weights[w].name,
                         std::as_bytes(std::span(parts(state)[p] + state.layout.offset[w],
                                                 static_cast<size_t>(graph.weights[w].count())))});
  return tensors;
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

// A checkpoint of this model and run; the tensors lie in the mapped file, in the order of
// named_tensors.
struct CheckpointFile {
  SafetensorsFile file;
  int64_t step;
  uint64_t position;
  std::vector<NamedBytes> tensors;
};

CheckpointFile open_checkpoint(const std::string& path, const graph::Graph& graph,
                               const std::string& definition) {
  CheckpointFile read{SafetensorsFile::open(path), 0, 0, {}};
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
  for (const char* part : kParts)
    for (const graph::Weight& weight : graph.weights)
      read.tensors.push_back({part + weight.name, tensor_bytes(file, part + weight.name, weight)});
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
                         const std::string& definition, ThreadPool& pool) {
  return digest_of(state, definition, tensor_digests(named_tensors(graph, state), pool));
}

void write_checkpoint(const std::string& path, const graph::Graph& graph, const TrainState& state,
                      const std::string& definition, ThreadPool& pool) {
  const std::vector<NamedBytes> named = named_tensors(graph, state);
  std::vector<TensorView> tensors;
  for (size_t t = 0; t < named.size(); ++t) {
    const graph::Weight& weight = graph.weights[t % graph.weights.size()];
    tensors.push_back({.name = named[t].name,
                       .type = DType::f32,
                       .shape = {weight.rows, weight.cols},
                       .data = named[t].bytes});
  }
  const std::vector<NamedDigest> digests = tensor_digests(named, pool);
  write_safetensors(path, tensors,
                    {{"format", kFormat},
                     {"step", std::to_string(state.step)},
                     {"position", std::to_string(state.position)},
                     {"definition", definition},
                     {"state", digest_of(state, definition, digests)},
                     {"tensors", hex_digits(digests)},
                     {"chain", state.chain}});
}

void read_checkpoint(const std::string& path, const graph::Graph& graph, TrainState& state,
                     const std::string& definition, ThreadPool& pool) {
  const CheckpointFile read = open_checkpoint(path, graph, definition);
  require_own_digest(read, definition, pool);
  for (size_t t = 0; t < read.tensors.size(); ++t) {
    const size_t part = t / graph.weights.size(), weight = t % graph.weights.size();
    std::memcpy(parts(state)[part] + state.layout.offset[weight], read.tensors[t].bytes.data(),
                read.tensors[t].bytes.size());
  }
  state.step = read.step;
  state.position = read.position;
  state.chain = metadata(read.file, "chain");
}

std::string compare_checkpoint(const std::string& path, const graph::Graph& graph,
                               const TrainState& state, const std::string& definition,
                               ThreadPool& pool) {
  const CheckpointFile read = open_checkpoint(path, graph, definition);
  const std::vector<NamedBytes> replayed = named_tensors(graph, state);
  for (size_t t = 0; t < replayed.size(); ++t)
    for (size_t at = 0; at < replayed[t].bytes.size(); at += sizeof(float)) {
      std::array<float, 2> values;
      std::memcpy(&values[0], read.tensors[t].bytes.data() + at, sizeof(float));
      std::memcpy(&values[1], replayed[t].bytes.data() + at, sizeof(float));
      if (std::bit_cast<uint32_t>(values[0]) != std::bit_cast<uint32_t>(values[1]))
        return fmt::format("tensor {}, element {}: stored {}, replayed {}", replayed[t].name,
                           at / sizeof(float), values[0], values[1]);
    }
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
    const auto bytes = tensor_bytes(file, kParts[0] + graph.weights[w].name, graph.weights[w]);
    std::memcpy(params.data() + layout.offset[w], bytes.data(), bytes.size());
  }
  return params;
}

}  // namespace avocado
