// Reads the numbers of a model from GGUF metadata or from config.json.

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/atomic_file.h"
#include "models/hf_reader.h"
#include "models/model.h"
#include "models/read_rope.h"
#include "models/registry.h"
#include "models/rope_frequencies.h"

namespace avocado {

ModelConfig config_from_gguf(const GgufFile& file) {
  const std::string arch(file.get_string("general.architecture"));
  const Architecture& a = architecture_by_gguf_name(arch, file.path());
  const auto key = [&](const char* name) { return arch + "." + name; };

  ModelConfig c;
  c.architecture = a.name;
  c.name = file.get_string("general.name", "");
  c.width = file.get_int(key("embedding_length"));
  c.layers = file.get_int(key("block_count"));
  c.heads = file.get_int(key("attention.head_count"));
  c.kv_heads = file.get_int(key("attention.head_count_kv"), c.heads);
  c.ffn = file.get_int(key("feed_forward_length"));
  c.context = file.get_int(key("context_length"));
  c.window = file.get_int(key("attention.sliding_window"), 0);
  if (file.find(key("attention.sliding_window_pattern")))
    fail_input("{}: {}: windows on some layers only are not supported", file.path(),
               key("attention.sliding_window_pattern"));
  c.norm_eps = file.get_float(key("attention.layer_norm_rms_epsilon"));
  if (c.heads <= 0) fail_input("{}: {} is {}", file.path(), key("attention.head_count"), c.heads);
  c.head_dim = file.get_int(key("attention.key_length"), c.width / c.heads);
  if (file.get_int(key("attention.value_length"), c.head_dim) != c.head_dim)
    fail_input("{}: {} differs from the key length {}: not supported", file.path(),
               key("attention.value_length"), c.head_dim);
  const TensorView* table = file.tensor("token_embd.weight");
  if (!table || table->shape.size() != 2)
    fail_input("{}: no matrix token_embd.weight: this file holds no model weights", file.path());
  c.vocab = table->shape[0];
  c.tied = file.tensor("output.weight") == nullptr;
  read_rope(file, arch, c);
  a.read_gguf(file, c);
  check_config(c, file.path());
  return c;
}

namespace {

using nlohmann::json;

constexpr int kMaxJsonDepth = 64;

// Newer files say for each layer whether it has the window.
void check_layer_types(const json& root, const std::string& path, const ModelConfig& c) {
  if (!root.contains("layer_types") || root["layer_types"].is_null()) return;
  const char* expected = c.window > 0 ? "sliding_attention" : "full_attention";
  for (const json& type : root["layer_types"])
    if (type != expected)
      fail_input("{}: layer_types: {} where all layers are {}: not supported", path, type.dump(),
                 expected);
}

}  // namespace

ModelConfig config_from_hf(const std::string& path) {
  const std::string text = read_text_file(path, uint64_t{16} << 20);
  const auto limit_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kMaxJsonDepth) fail_input("{}: nested deeper than {} levels", path, kMaxJsonDepth);
    return true;
  };
  json root;
  try {
    root = json::parse(text, limit_depth);
  } catch (const json::exception& error) {
    fail_input("{}: {}", path, error.what());
  }
  if (!root.is_object()) fail_input("{}: is not a JSON object", path);
  const HfReader in(root, path);
  const Architecture& a = architecture_by_hf_type(in.text("model_type"), path);
  for (const char* field : {"quantization", "quantization_config"})
    if (in.has(field))
      fail_input(
          "{}: {}: weights quantized by another tool are not supported; use the original weights "
          "or a GGUF file",
          path, field);
  if (in.has("hidden_act") && in.text("hidden_act") != "silu")
    fail_input("{}: hidden_act '{}' is not supported, only silu", path, in.text("hidden_act"));

  ModelConfig c;
  c.architecture = a.name;
  c.vocab = in.integer("vocab_size");
  c.width = in.integer("hidden_size");
  c.layers = in.integer("num_hidden_layers");
  c.heads = in.integer("num_attention_heads");
  c.kv_heads = in.integer("num_key_value_heads", c.heads);
  if (c.heads <= 0) fail_input("{}: num_attention_heads is {}", path, c.heads);
  c.head_dim = in.integer("head_dim", c.width / c.heads);
  c.ffn = in.integer("intermediate_size");
  c.context = in.integer("max_position_embeddings", 2048);
  c.window = in.integer("sliding_window", 0);
  c.norm_eps = in.number("rms_norm_eps", 1e-6);
  c.tied = in.flag("tie_word_embeddings", false);
  read_rope(in, c);
  a.read_hf(root, path, c);
  check_layer_types(root, path, c);
  check_config(c, path);
  if (c.rope_scaling == RopeScaling::llama3) c.rope_divisors = llama3_divisors(c);
  return c;
}

}  // namespace avocado
