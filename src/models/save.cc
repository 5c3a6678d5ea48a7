#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/atomic_file.h"
#include "models/model.h"
#include "models/permute.h"
#include "models/read_rope.h"
#include "models/registry.h"
#include "models/rope_frequencies.h"

namespace avocado {
namespace {

TensorView view(const graph::Weight& w, const std::string& name, DType type,
                std::span<const std::byte> data) {
  TensorView tensor{.name = name, .type = type, .shape = {}, .data = data};
  if (w.matrix) tensor.shape.push_back(w.rows);
  tensor.shape.push_back(w.cols);
  return tensor;
}

void save_rope(const ModelConfig& c, const std::string& prefix, GgufWriter& out) {
  const auto set = [&](const char* field, double value) {
    out.set_f32(prefix + field, static_cast<float>(value));
  };
  out.set_u32(prefix + "dimension_count", static_cast<uint32_t>(c.rope_dim));
  set("freq_base", c.rope_base);
  // GGUF files hold llama3's scaling as a tensor of divisors.
  if (c.rope_scaling == RopeScaling::none || c.rope_scaling == RopeScaling::llama3) return;
  out.set_string(prefix + "scaling.type", rope_scaling_name(c.rope_scaling));
  if (c.rope_attention != 1 || c.rope_scaling == RopeScaling::yarn)
    set("scaling.attn_factor", c.rope_attention);
  if (c.rope_scaling != RopeScaling::longrope) set("scaling.factor", c.rope_factor);
  if (c.rope_scaling != RopeScaling::linear)
    out.set_u32(prefix + "scaling.original_context_length",
                static_cast<uint32_t>(c.rope_original_context));
  if (c.rope_scaling == RopeScaling::yarn) {
    set("scaling.yarn_beta_fast", c.rope_beta_fast);
    set("scaling.yarn_beta_slow", c.rope_beta_slow);
    if (c.rope_extrapolation != 1) set("scaling.yarn_ext_factor", c.rope_extrapolation);
  }
}

nlohmann::ordered_json hf_rope_scaling(const ModelConfig& c, const std::string& folder) {
  nlohmann::ordered_json json = {{"rope_type", rope_scaling_name(c.rope_scaling)}};
  if (c.rope_scaling == RopeScaling::longrope)
    json["short_factor"] = c.rope_short, json["long_factor"] = c.rope_long;
  else
    json["factor"] = c.rope_factor;
  if (c.rope_scaling != RopeScaling::linear)
    json["original_max_position_embeddings"] = c.rope_original_context;
  if (c.rope_scaling == RopeScaling::yarn)
    json["beta_fast"] = c.rope_beta_fast, json["beta_slow"] = c.rope_beta_slow;
  if (c.rope_scaling == RopeScaling::llama3)
    json["low_freq_factor"] = c.rope_low, json["high_freq_factor"] = c.rope_high;
  if (c.rope_scaling == RopeScaling::yarn || c.rope_scaling == RopeScaling::longrope)
    json["attention_factor"] = rope_magnitude(c);
  else if (c.rope_attention != 1)
    fail_usage("{}: config.json cannot hold the attention factor of this model; save it as GGUF",
               folder);
  if (c.rope_extrapolation != 1)
    fail_usage("{}: config.json cannot hold YaRN's extrapolation factor; save it as GGUF", folder);
  return json;
}

std::span<const std::byte> bytes_of(const graph::Weight& w, const float* data) {
  return std::as_bytes(std::span(data, static_cast<size_t>(w.count())));
}

}  // namespace

void save_gguf(const std::string& path, const ModelConfig& config, const graph::Graph& graph,
               const std::vector<const float*>& weights, const Tokenizer* tokenizer,
               const std::string& chat_template) {
  std::vector<StoredWeight> stored;
  for (size_t i = 0; i < weights.size(); ++i)
    stored.push_back({DType::f32, bytes_of(graph.weights[i], weights[i])});
  save_gguf(path, config, graph, stored, tokenizer, chat_template);
}

void save_gguf(const std::string& path, const ModelConfig& c, const graph::Graph& graph,
               const std::vector<StoredWeight>& weights, const Tokenizer* tokenizer,
               const std::string& chat_template) {
  const std::string arch = architecture(c.architecture, path).gguf_name;
  const auto key = [&](const char* name) { return arch + "." + name; };
  const auto u32 = [](int64_t value) { return static_cast<uint32_t>(value); };

  GgufWriter out;
  out.set_string("general.architecture", arch);
  if (!c.name.empty()) out.set_string("general.name", c.name);
  if (std::all_of(weights.begin(), weights.end(),
                  [](const StoredWeight& w) { return w.type == DType::f32; }))
    out.set_u32("general.file_type", 0);  // all F32
  out.set_u32(key("vocab_size"), u32(c.vocab));
  out.set_u32(key("context_length"), u32(c.context));
  out.set_u32(key("embedding_length"), u32(c.width));
  out.set_u32(key("block_count"), u32(c.layers));
  out.set_u32(key("feed_forward_length"), u32(c.ffn));
  out.set_u32(key("attention.head_count"), u32(c.heads));
  out.set_u32(key("attention.head_count_kv"), u32(c.kv_heads));
  out.set_u32(key("attention.key_length"), u32(c.head_dim));
  out.set_u32(key("attention.value_length"), u32(c.head_dim));
  out.set_f32(key("attention.layer_norm_rms_epsilon"), static_cast<float>(c.norm_eps));
  if (c.window > 0) out.set_u32(key("attention.sliding_window"), u32(c.window));
  save_rope(c, arch + ".rope.", out);
  if (tokenizer)
    tokenizer->write_gguf(out);
  else
    out.set_string("tokenizer.ggml.model", "no_vocab");  // so that llama.cpp loads it too
  if (!chat_template.empty()) out.set_string("tokenizer.chat_template", chat_template);
  for (const auto& [name, divisors] :
       {std::pair(kRopeDivisors, &c.rope_divisors), std::pair(kRopeShort, &c.rope_short),
        std::pair(kRopeLong, &c.rope_long)})
    if (!divisors->empty())
      out.add_tensor({.name = name,
                      .type = DType::f32,
                      .shape = {static_cast<int64_t>(divisors->size())},
                      .data = std::as_bytes(std::span(*divisors))});
  for (size_t i = 0; i < weights.size(); ++i)
    out.add_tensor(
        view(graph.weights[i], graph.weights[i].name, weights[i].type, weights[i].bytes));
  out.write(path);
}

void save_huggingface(const std::string& folder, const ModelConfig& c, const graph::Graph& graph,
                      const std::vector<const float*>& weights) {
  const Architecture& a = architecture(c.architecture, folder);
  nlohmann::ordered_json json = {{"architectures", {a.hf_class}},
                                 {"model_type", a.hf_type},
                                 {"vocab_size", c.vocab},
                                 {"hidden_size", c.width},
                                 {"num_hidden_layers", c.layers},
                                 {"num_attention_heads", c.heads},
                                 {"num_key_value_heads", c.kv_heads},
                                 {"head_dim", c.head_dim},
                                 {"intermediate_size", c.ffn},
                                 {"max_position_embeddings", c.context},
                                 {"rms_norm_eps", c.norm_eps},
                                 {"rope_theta", c.rope_base},
                                 {"tie_word_embeddings", c.tied},
                                 {"hidden_act", "silu"},
                                 {"torch_dtype", "float32"}};
  if (c.window > 0) json["sliding_window"] = c.window;
  if (c.rope_scaling != RopeScaling::none) json["rope_scaling"] = hf_rope_scaling(c, folder);
  if (c.rope_scaling != RopeScaling::llama3 && !c.rope_divisors.empty())
    fail_usage("{}: config.json cannot hold the rotary divisors of this model; save it as GGUF",
               folder);

  std::vector<TensorView> tensors;
  std::vector<std::vector<std::byte>> permuted(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const graph::Weight& w = graph.weights[i];
    tensors.push_back(view(w, w.hf_name, DType::f32, bytes_of(w, weights[i])));
    if (w.permuted_heads == 0) continue;
    permuted[i] = rows_to_hf(tensors.back(), w);
    tensors.back().data = permuted[i];
  }
  std::filesystem::create_directories(folder);
  write_safetensors((std::filesystem::path(folder) / "model.safetensors").string(), tensors,
                    {{"format", "pt"}});
  write_file_atomically((std::filesystem::path(folder) / "config.json").string(),
                        json.dump(2) + "\n");
}

}  // namespace avocado
