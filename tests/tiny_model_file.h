#pragma once
// Files of models of random weights.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"
#include "models/model.h"
#include "models/registry.h"

namespace avocado::test {

// Writes a GGUF file with the weights of a model at birth.
inline void write_tiny_model(const ModelConfig& config, const std::string& path,
                             const Tokenizer* tokenizer = nullptr,
                             const std::string& chat_template = "") {
  const graph::Graph graph = build_graph(config);
  std::vector<std::vector<float>> values;
  std::vector<float*> writable;
  for (const graph::Weight& weight : graph.weights) values.emplace_back(weight.count());
  for (std::vector<float>& v : values) writable.push_back(v.data());
  graph::initialise(graph, 5, writable);
  save_gguf(path, config, graph, std::vector<const float*>(writable.begin(), writable.end()),
            tokenizer, chat_template);
}

// Random blocks of a type with scales that make weights of an ordinary size.
inline std::vector<std::byte> random_blocks(DType type, int64_t count, uint32_t stream) {
  struct Scales {
    DType type;
    std::vector<size_t> at;  // where a block has 16-bit floats
    float scale;
  };
  static const std::vector<Scales> known = {
      {DType::q4_0, {0}, 0.01f},       {DType::q8_0, {0}, 0.0006f},
      {DType::q4_k, {0, 2}, 0.0003f},  {DType::q6_k, {208}, 0.00004f},
      {DType::q2_k, {80, 82}, 0.005f}, {DType::iq4_xs, {0}, 0.00004f}};
  const auto scales =
      std::find_if(known.begin(), known.end(), [&](const Scales& s) { return s.type == type; });
  const DTypeTraits& traits = *dtype_traits(type);
  std::vector<std::byte> bytes(*dtype_bytes(type, count));
  const Random random(8, Purpose::test, stream);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random.u32(i));
  const uint16_t half = f32_to_f16(scales->scale);
  for (size_t b = 0; b < bytes.size(); b += static_cast<size_t>(traits.block_bytes))
    for (const size_t at : scales->at) std::memcpy(bytes.data() + b + at, &half, sizeof half);
  return bytes;
}

// Matrices of these types in turn, of random blocks where they are blocks; F32 is as at birth.
inline void write_stored_model(const std::string& path, const ModelConfig& config,
                               std::span<const DType> types) {
  const graph::Graph graph = build_graph(config);
  std::vector<std::vector<float>> values;
  std::vector<float*> writable;
  for (const graph::Weight& weight : graph.weights) values.emplace_back(weight.count());
  for (std::vector<float>& v : values) writable.push_back(v.data());
  graph::initialise(graph, 5, writable);
  std::vector<std::vector<std::byte>> bytes;
  std::vector<StoredWeight> stored;
  for (size_t i = 0; i < values.size(); ++i) {
    const DType type = graph.weights[i].matrix ? types[i % types.size()] : DType::f32;
    if (type != DType::f32) {
      bytes.push_back(random_blocks(type, graph.weights[i].count(), static_cast<uint32_t>(i)));
    } else {
      const auto span = std::as_bytes(std::span(values[i]));
      bytes.emplace_back(span.begin(), span.end());
    }
    stored.push_back({type, bytes.back()});
  }
  save_gguf(path, config, graph, stored, nullptr, "");
}

// A Llama whose matrices are of all these types in turn.
inline void write_quantized_model(const std::string& path) {
  constexpr DType kTypes[] = {DType::q4_0, DType::q8_0, DType::q4_k,
                              DType::q6_k, DType::q2_k, DType::iq4_xs};
  ModelConfig config = architecture("llama", path).tiny();
  config.width = 256;
  config.ffn = 512;
  config.head_dim = 64;
  config.rope_dim = 64;
  config.rope_divisors.clear();
  write_stored_model(path, config, kTypes);
}

}  // namespace avocado::test
