#include "models/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "tensor/blocks/q8_0.h"

namespace avocado {
namespace {

constexpr int kBlock = BlockQ8_0::kCount;
constexpr float kMost = 127.0f * 65504.0f;  // the largest scale is the largest half

BlockQ8_0 encode_block(std::span<const float> x) {
  float most = 0;
  for (const float value : x) {
    if (!(std::abs(value) <= kMost)) fail_input("a weight is {}; Q8_0 does not reach it", value);
    most = std::max(most, std::abs(value));
  }
  const float d = most / 127.0f, inverse = d > 0 ? 1.0f / d : 0.0f;
  const uint16_t half = f32_to_f16(d);
  BlockQ8_0 block{.d = {static_cast<uint8_t>(half), static_cast<uint8_t>(half >> 8)}, .q = {}};
  for (int i = 0; i < kBlock; ++i)
    block.q[i] = static_cast<int8_t>(std::round(x[static_cast<size_t>(i)] * inverse));
  return block;
}

}  // namespace

std::vector<std::byte> encode_q8_0(std::span<const float> numbers) {
  if (numbers.size() % kBlock != 0)
    fail_usage("{} numbers for blocks of {}", numbers.size(), kBlock);
  std::vector<std::byte> bytes(numbers.size() / kBlock * sizeof(BlockQ8_0));
  for (size_t b = 0; b < numbers.size() / kBlock; ++b) {
    const BlockQ8_0 block = encode_block(numbers.subspan(b * kBlock, kBlock));
    std::memcpy(bytes.data() + b * sizeof block, &block, sizeof block);
  }
  return bytes;
}

void save_gguf_q8_0(const std::string& path, const ModelConfig& config, const graph::Graph& graph,
                    const std::vector<const float*>& weights, const Tokenizer* tokenizer,
                    const std::string& chat_template) {
  std::vector<std::vector<std::byte>> encoded(weights.size());
  std::vector<StoredWeight> stored;
  for (size_t w = 0; w < weights.size(); ++w) {
    const graph::Weight& weight = graph.weights[w];
    const std::span numbers(weights[w], static_cast<size_t>(weight.count()));
    if (weight.matrix && weight.cols % kBlock == 0) {
      try {
        encoded[w] = encode_q8_0(numbers);
      } catch (const Error& error) {
        fail_input("{}: {}", weight.name, error.what());
      }
      stored.push_back({DType::q8_0, encoded[w]});
    } else {
      stored.push_back({DType::f32, std::as_bytes(numbers)});
    }
  }
  save_gguf(path, config, graph, stored, tokenizer, chat_template);
}

}  // namespace avocado
