// make_model SHAPE TYPE FILE: a GGUF file of random weights in a published shape, to measure speed
// with. SHAPE: 1b (Llama 3.2 1B) or 8b (Llama 3 8B). TYPE: a stored type for every matrix, or
// Q4_K_M, the usual mix (Q6_K for the output, and in half of the layers for values and the last
// product of the MLP).

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "models/model.h"
#include "models/registry.h"

namespace {

using namespace avocado;

ModelConfig shape(const std::string& name) {
  ModelConfig c{.architecture = "llama", .name = name, .vocab = 128256};
  c.kv_heads = 8;
  c.heads = 32;
  c.context = 131072;
  c.norm_eps = 1e-5;
  c.rope_base = 500000;
  if (name == "1b") {
    c.width = 2048, c.layers = 16, c.ffn = 8192, c.head_dim = 64, c.tied = true;
  } else if (name == "8b") {
    c.width = 4096, c.layers = 32, c.ffn = 14336, c.head_dim = 128, c.tied = false;
  } else {
    fail_usage("{}: no such shape; choose 1b or 8b", name);
  }
  c.rope_dim = c.head_dim;
  return c;
}

// As llama.cpp's "medium" mix: every other layer of the middle, all of the first and last eighth.
bool more_bits(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

DType type_of(const graph::Weight& weight, const std::string& mix, const ModelConfig& config) {
  if (!weight.matrix) return DType::f32;
  if (mix != "Q4_K_M") {
    const DTypeTraits* traits = dtype_by_name(mix);
    if (!traits) fail_usage("{}: no such type", mix);
    return traits->type;
  }
  if (weight.name == "output.weight") return DType::q6_k;
  if (weight.name == "token_embd.weight") return config.tied ? DType::q6_k : DType::q4_k;
  const bool rich = weight.name.find("attn_v") != std::string::npos ||
                    weight.name.find("ffn_down") != std::string::npos;
  const int64_t layer = std::stoll(weight.name.substr(4));
  return rich && more_bits(layer, config.layers) ? DType::q6_k : DType::q4_k;
}

// One of these is repeated over every matrix: the speed does not depend on the values, as long as
// they are ordinary numbers.
std::vector<std::byte> random_bytes(DType type, int64_t count) {
  const DTypeTraits& traits = *dtype_traits(type);
  std::vector<std::byte> bytes(*dtype_bytes(type, count));
  const Random random(1, Purpose::test);
  const int64_t period = std::min<int64_t>(count, 65536 * 4);
  const auto period_bytes = static_cast<size_t>(period / traits.block * traits.block_bytes);
  for (size_t i = 0; i < period_bytes; ++i)
    bytes[i] = static_cast<std::byte>(random.u32(i) & 0x2f);  // every 16-bit float is small
  for (size_t i = period_bytes; i < bytes.size(); i += period_bytes)
    std::memcpy(&bytes[i], bytes.data(), std::min(period_bytes, bytes.size() - i));
  return bytes;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: make_model 1b|8b TYPE FILE\n");
    return 2;
  }
  const ModelConfig config = shape(argv[1]);
  const graph::Graph graph = build_graph(config);
  std::map<DType, int64_t> largest;  // matrices of a type share the bytes of the largest
  for (const graph::Weight& weight : graph.weights) {
    int64_t& count = largest[type_of(weight, argv[2], config)];
    count = std::max(count, weight.count());
  }
  std::map<DType, std::vector<std::byte>> bytes;
  for (const auto& [type, count] : largest) bytes[type] = random_bytes(type, count);
  std::vector<StoredWeight> stored;
  for (const graph::Weight& weight : graph.weights) {
    const DType type = type_of(weight, argv[2], config);
    stored.push_back({type, std::span(bytes[type]).first(*dtype_bytes(type, weight.count()))});
  }
  save_gguf(argv[3], config, graph, stored, nullptr, "");
  return 0;
} catch (const avocado::Error& error) {
  std::fprintf(stderr, "make_model: %s\n", error.what());
  return 1;
}
