// make_model SHAPE TYPE FILE: a GGUF file of random weights in a published shape, to measure speed
// with. SHAPE: 1b (Llama 3.2 1B) or 8b (Llama 3 8B). TYPE: a stored type for every matrix, or
// Q4_K_M, the usual mix (Q6_K for the output, and in half of the layers for values and the last
// product of the MLP).
//
// make_model SHAPE BF16 FILE MODEL: that shape around a small Llama. All weights that are not the
// small model's are zero, so that the large one says what the small one says, at the cost of its
// own size: what a draft model gains can be measured with the small one as the draft. SHAPE own:
// the small model, rounded.

#include <algorithm>
#include <cmath>
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

// Where the numbers of a small model lie in a large one.
class Grown {
 public:
  Grown(const ModelConfig& small, const ModelConfig& large) : small_(small), large_(large) {
    if (small.architecture != "llama" || small.width > large.width || small.ffn > large.ffn ||
        small.layers > large.layers || small.head_dim > large.head_dim ||
        small.kv_heads > large.kv_heads ||
        small.heads * large.kv_heads > large.heads * small.kv_heads)
      fail_usage("{}: is no llama, or does not fit into {}", small.name, large.name);
  }

  // The shape with what the small model defines beside its size. The mean of squares is taken over
  // more elements, most of them zero: eps becomes smaller as the mean does.
  static ModelConfig config(const ModelConfig& small, ModelConfig large) {
    large.vocab = small.vocab;
    large.tied = small.tied;
    large.context = small.context;
    large.rope_base = small.rope_base;
    large.rope_dim = small.rope_dim;
    large.norm_eps =
        small.norm_eps * static_cast<double>(small.width) / static_cast<double>(large.width);
    return large;
  }

  // `values` of the small model's `weight`, as large as `shape`. Scores are divided by the root of
  // the larger head, and the normalised row is longer by the root of the larger width.
  std::vector<float> place(const graph::Weight& weight, const std::vector<double>& values,
                           const graph::Weight& shape) const {
    double scale = 1;
    if (weight.name.ends_with("norm.weight"))
      scale = std::sqrt(static_cast<double>(small_.width) / static_cast<double>(large_.width));
    if (weight.name.ends_with("attn_q.weight"))
      scale =
          std::sqrt(static_cast<double>(large_.head_dim) / static_cast<double>(small_.head_dim));
    const bool heads_in_rows = weight.name.find("attn_q") != std::string::npos ||
                               weight.name.find("attn_k") != std::string::npos ||
                               weight.name.find("attn_v") != std::string::npos;
    const bool heads_in_cols = weight.name.find("attn_output") != std::string::npos;
    const bool queries = heads_in_cols || weight.name.find("attn_q") != std::string::npos;
    std::vector<float> placed(static_cast<size_t>(shape.count()));
    for (int64_t row = 0; row < weight.rows; ++row)
      for (int64_t col = 0; col < weight.cols; ++col) {
        const int64_t to_row = heads_in_rows ? in_head(row, queries) : row;
        const int64_t to_col = heads_in_cols ? in_head(col, queries) : col;
        placed[static_cast<size_t>(to_row * shape.cols + to_col)] =
            static_cast<float>(values[static_cast<size_t>(row * weight.cols + col)] * scale);
      }
    return placed;
  }

 private:
  // Element `i` of heads one after the other. Heads of queries that share keys go on sharing them.
  int64_t in_head(int64_t i, bool queries) const {
    const int64_t head = i / small_.head_dim;
    const int64_t group = queries ? small_.heads / small_.kv_heads : 1;
    const int64_t large_group = queries ? large_.heads / large_.kv_heads : 1;
    return (head / group * large_group + head % group) * large_.head_dim + i % small_.head_dim;
  }

  const ModelConfig& small_;
  const ModelConfig& large_;
};

std::vector<std::byte> as_bf16(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * 2);
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits = f32_to_bf16(values[i]);
    std::memcpy(&bytes[2 * i], &bits, 2);
  }
  return bytes;
}

void save_grown(const char* path, const std::string& shape_name, const char* small_path) {
  ThreadPool pool(1);
  const Model small = Model::load(small_path, pool);
  const ModelConfig config =
      shape_name == "own" ? small.config() : Grown::config(small.config(), shape(shape_name));
  const Grown grown(small.config(), config);
  const graph::Graph graph = build_graph(config);
  const std::vector<std::vector<double>> values = small.weights_as_double();
  std::vector<std::vector<std::byte>> bytes;
  std::vector<StoredWeight> stored;
  for (const graph::Weight& weight : graph.weights) {
    const int found = small.graph().find_weight(weight.name);
    std::vector<float> placed(static_cast<size_t>(weight.count()));  // layers that do nothing
    if (found != graph::kNone)
      placed = grown.place(small.graph().weights[static_cast<size_t>(found)],
                           values[static_cast<size_t>(found)], weight);
    if (weight.matrix) {
      bytes.push_back(as_bf16(placed));
    } else {
      const auto raw = std::as_bytes(std::span(placed));
      bytes.emplace_back(raw.begin(), raw.end());
    }
    stored.push_back({weight.matrix ? DType::bf16 : DType::f32, bytes.back()});
  }
  save_gguf(path, config, graph, stored, small.tokenizer(), "");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 5 && std::string(argv[2]) == "BF16") {
    save_grown(argv[3], argv[1], argv[4]);
    return 0;
  }
  if (argc != 4) {
    std::fprintf(stderr,
                 "usage: make_model 1b|8b TYPE FILE, or make_model 1b|8b|own BF16 FILE MODEL\n");
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
