// Qwen2 and Qwen2.5 (Qwen team, 2024): Llama with biases on query, key and value.

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/registry.h"

namespace avocado {
namespace {

void read_gguf(const GgufFile&, ModelConfig& config) { config.attention_bias = true; }

void read_hf(const nlohmann::json& json, const std::string& source, ModelConfig& config) {
  if (json.value("use_sliding_window", false))
    fail_input("{}: use_sliding_window: windows on some layers only are not supported", source);
  config.window = 0;
  config.attention_bias = true;
}

void build(graph::Builder& builder, const ModelConfig& config) {
  build_decoder(builder, config, false);
}

ModelConfig tiny() {
  return {.architecture = "qwen2",
          .name = "tiny",
          .vocab = 80,
          .width = 24,
          .layers = 2,
          .heads = 3,
          .kv_heads = 3,
          .head_dim = 8,
          .ffn = 40,
          .context = 256,
          .norm_eps = 1e-6,
          .tied = true,
          .attention_bias = true,
          .rope_base = 1000000,
          .rope_dim = 8};
}

}  // namespace

extern const Architecture kQwen2;
const Architecture kQwen2 = {
    "qwen2", "qwen2", "qwen2", "Qwen2ForCausalLM", kernels::RopeStyle::halves, read_gguf,
    read_hf, build,   tiny};

}  // namespace avocado
