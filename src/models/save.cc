#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/atomic_file.h"
#include "models/model.h"
#include "models/permute.h"
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
  out.set_u32(key("rope.dimension_count"), u32(c.rope_dim));
  out.set_f32(key("rope.freq_base"), static_cast<float>(c.rope_base));
  if (c.rope_scaling == RopeScaling::linear) {
    out.set_string(key("rope.scaling.type"), "linear");
    out.set_f32(key("rope.scaling.factor"), static_cast<float>(c.rope_factor));
  }
  if (c.rope_scaling == RopeScaling::yarn) {
    const auto set = [&](const char* field, double value) {
      out.set_f32(key(field), static_cast<float>(value));
    };
    out.set_string(key("rope.scaling.type"), "yarn");
    out.set_u32(key("rope.scaling.original_context_length"), u32(c.rope_original_context));
    set("rope.scaling.factor", c.rope_factor);
    set("rope.scaling.attn_factor", c.rope_attention);
    set("rope.scaling.yarn_beta_fast", c.rope_beta_fast);
    set("rope.scaling.yarn_beta_slow", c.rope_beta_slow);
  }
  if (tokenizer)
    tokenizer->write_gguf(out);
  else
    out.set_string("tokenizer.ggml.model", "no_vocab");  // so that llama.cpp loads it too
  if (!chat_template.empty()) out.set_string("tokenizer.chat_template", chat_template);
  if (!c.rope_divisors.empty())
    out.add_tensor({.name = "rope_freqs.weight",
                    .type = DType::f32,
                    .shape = {static_cast<int64_t>(c.rope_divisors.size())},
                    .data = std::as_bytes(std::span(c.rope_divisors))});
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
  if (c.rope_scaling == RopeScaling::linear)
    json["rope_scaling"] = {{"rope_type", "linear"}, {"factor", c.rope_factor}};
  if (c.rope_scaling == RopeScaling::yarn)
    json["rope_scaling"] = {{"rope_type", "yarn"},
                            {"factor", c.rope_factor},
                            {"original_max_position_embeddings", c.rope_original_context},
                            {"beta_fast", c.rope_beta_fast},
                            {"beta_slow", c.rope_beta_slow},
                            {"attention_factor", rope_magnitude(c)}};
  if (c.rope_scaling == RopeScaling::llama3)
    json["rope_scaling"] = {{"rope_type", "llama3"},
                            {"factor", c.rope_factor},
                            {"low_freq_factor", c.rope_low},
                            {"high_freq_factor", c.rope_high},
                            {"original_max_position_embeddings", c.rope_original_context}};
  else if (!c.rope_divisors.empty())
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
