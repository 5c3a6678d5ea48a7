// Llama 1, 2, 3, 3.1, 3.2, 3.3 (Touvron et al., 2023; Llama team, 2024). GGUF files keep query and
// key rows so that adjacent elements turn together, Hugging Face files so that halves do.

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/decoder.h"
#include "models/registry.h"

namespace avocado {
namespace {

void read_gguf(const GgufFile& file, ModelConfig& config) {
  if (file.get_int("llama.expert_count", 0) > 0)
    fail_input("{}: llama.expert_count: mixtures of experts are not supported", file.path());
  // Mistral files carry this architecture's name.
  if (config.window > 0) config.architecture = "mistral";
}

void read_hf(const nlohmann::json& json, const std::string& source, ModelConfig& config) {
  for (const char* field : {"attention_bias", "mlp_bias"})
    if (json.contains(field) && json[field] != false)
      fail_input("{}: {} is not supported for llama", source, field);
  config.window = 0;
}

void build(graph::Builder& builder, const ModelConfig& config) {
  build_decoder(builder, config, true);
}

ModelConfig tiny() {
  ModelConfig c{.architecture = "llama",
                .name = "tiny",
                .vocab = 80,
                .width = 24,
                .layers = 2,
                .heads = 4,
                .kv_heads = 2,
                .head_dim = 8,
                .ffn = 40,
                .context = 256,
                .norm_eps = 1e-5,
                .tied = true,
                .rope_base = 500000,
                .rope_dim = 8};
  c.rope_divisors = {1.0f, 1.0f, 2.5f, 8.0f};
  return c;
}

}  // namespace

extern const Architecture kLlama;
const Architecture kLlama = {
    "llama", "llama", "llama", "LlamaForCausalLM", kernels::RopeStyle::pairs, read_gguf,
    read_hf, build,   tiny};

}  // namespace avocado
