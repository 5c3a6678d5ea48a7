// Qwen3, dense (Qwen team, 2025): Llama with a norm on each query and key head and a head dimension
// of its own.

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/registry.h"

namespace avocado {
namespace {

void read_gguf(const GgufFile&, ModelConfig& config) { config.qk_norm = true; }

void read_hf(const nlohmann::json& json, const std::string& source, ModelConfig& config) {
  for (const char* field : {"attention_bias", "use_sliding_window"})
    if (json.contains(field) && json[field] != false)
      fail_input("{}: {} is not supported for qwen3", source, field);
  config.window = 0;
  config.qk_norm = true;
}

void build(graph::Builder& builder, const ModelConfig& config) {
  build_decoder(builder, config, false);
}

ModelConfig tiny() {
  return {.architecture = "qwen3",
          .name = "tiny",
          .vocab = 80,
          .width = 24,
          .layers = 2,
          .heads = 4,
          .kv_heads = 2,
          .head_dim = 12,
          .ffn = 40,
          .context = 256,
          .norm_eps = 1e-6,
          .qk_norm = true,
          .rope_base = 1000000,
          .rope_dim = 12};
}

}  // namespace

extern const Architecture kQwen3;
const Architecture kQwen3 = {
    "qwen3", "qwen3", "qwen3", "Qwen3ForCausalLM", kernels::RopeStyle::halves, read_gguf,
    read_hf, build,   tiny};

}  // namespace avocado
