// Mistral (Jiang et al., 2023): Llama with a sliding window over the keys. Its GGUF files are
// called llama; the window is what tells them apart.

#include <nlohmann/json.hpp>

#include "models/decoder.h"
#include "models/registry.h"

namespace avocado {
namespace {

void read_gguf(const GgufFile&, ModelConfig&) {}

void read_hf(const nlohmann::json&, const std::string&, ModelConfig&) {}

void build(graph::Builder& builder, const ModelConfig& config) {
  build_decoder(builder, config, true);
}

ModelConfig tiny() {
  return {.architecture = "mistral",
          .name = "tiny",
          .vocab = 80,
          .width = 32,
          .layers = 2,
          .heads = 4,
          .kv_heads = 1,
          .head_dim = 8,
          .ffn = 48,
          .context = 512,
          .window = 70,
          .norm_eps = 1e-5,
          .rope_base = 10000,
          .rope_dim = 8};
}

}  // namespace

extern const Architecture kMistral;
const Architecture kMistral = {
    "mistral", "llama", "mistral", "MistralForCausalLM", kernels::RopeStyle::pairs, read_gguf,
    read_hf,   build,   tiny};

}  // namespace avocado
