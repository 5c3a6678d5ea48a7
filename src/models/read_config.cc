// Reads the numbers of a model from GGUF metadata or from config.json.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/atomic_file.h"
#include "kernels/math/math.h"
#include "models/model.h"
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
  c.norm_eps = file.get_float(key("attention.layer_norm_rms_epsilon"));
  if (c.heads <= 0) fail_input("{}: {} is {}", file.path(), key("attention.head_count"), c.heads);
  c.head_dim = file.get_int(key("attention.key_length"), c.width / c.heads);
  if (file.get_int(key("attention.value_length"), c.head_dim) != c.head_dim)
    fail_input("{}: {} differs from the key length {}: not supported", file.path(),
               key("attention.value_length"), c.head_dim);
  c.rope_dim = file.get_int(key("rope.dimension_count"), c.head_dim);
  c.rope_base = file.get_float(key("rope.freq_base"), 10000);

  const std::string scaling(file.get_string(key("rope.scaling.type"), "none"));
  if (scaling == "linear") {
    c.rope_scaling = RopeScaling::linear;
    c.rope_factor = file.get_float(key("rope.scaling.factor"));
  } else if (scaling == "yarn") {
    c.rope_scaling = RopeScaling::yarn;
    c.rope_factor = file.get_float(key("rope.scaling.factor"));
    c.rope_original_context = file.get_int(key("rope.scaling.original_context_length"), c.context);
    c.rope_attention = file.get_float(key("rope.scaling.attn_factor"), 1);
    c.rope_beta_fast = file.get_float(key("rope.scaling.yarn_beta_fast"), 32);
    c.rope_beta_slow = file.get_float(key("rope.scaling.yarn_beta_slow"), 1);
  } else if (scaling != "none") {
    fail_input(
        "{}: {} '{}' is not supported; this build knows none, linear, yarn and llama3 "
        "(rope_freqs.weight)",
        file.path(), key("rope.scaling.type"), scaling);
  }
  const TensorView* table = file.tensor("token_embd.weight");
  if (!table || table->shape.size() != 2)
    fail_input("{}: no matrix token_embd.weight: this file holds no model weights", file.path());
  c.vocab = table->shape[0];
  c.tied = file.tensor("output.weight") == nullptr;
  if (const TensorView* divisors = file.tensor("rope_freqs.weight"))
    c.rope_divisors = to_f32(*divisors);
  a.read_gguf(file, c);
  check_config(c, file.path());
  return c;
}

namespace {

using nlohmann::json;

// Fields of config.json, with errors that name file and field.
class HfReader {
 public:
  HfReader(const json& object, std::string source) : object_(object), source_(std::move(source)) {}

  bool has(const char* field) const { return object_.contains(field) && !object_[field].is_null(); }

  int64_t integer(const char* field) const {
    const json& v = require(field);
    if (!v.is_number_integer() || (v.is_number_unsigned() && v.get<uint64_t>() > INT64_MAX))
      fail_input("{}: {} is not a whole number", source_, field);
    return v.get<int64_t>();
  }
  int64_t integer(const char* field, int64_t fallback) const {
    return has(field) ? integer(field) : fallback;
  }

  double number(const char* field) const {
    const json& v = require(field);
    if (!v.is_number()) fail_input("{}: {} is not a number", source_, field);
    return v.get<double>();
  }
  double number(const char* field, double fallback) const {
    return has(field) ? number(field) : fallback;
  }

  std::string text(const char* field) const {
    const json& v = require(field);
    if (!v.is_string()) fail_input("{}: {} is not a string", source_, field);
    return v.get<std::string>();
  }

  bool flag(const char* field, bool fallback) const {
    if (!has(field)) return fallback;
    if (!object_[field].is_boolean())
      fail_input("{}: {} is neither true nor false", source_, field);
    return object_[field].get<bool>();
  }

  HfReader object(const char* field) const {
    if (!require(field).is_object()) fail_input("{}: {} is not an object", source_, field);
    return HfReader(object_[field], source_ + ": " + field);
  }

 private:
  const json& require(const char* field) const {
    if (!has(field)) fail_input("{}: {} is missing", source_, field);
    return object_[field];
  }

  const json& object_;
  std::string source_;
};

// attention_factor is the whole factor, and replaces the usual one; mscale and mscale_all_dim
// change both factors of which it is the quotient (DeepSeek).
double yarn_attention(const HfReader& scaling, double factor) {
  const double logarithm = 0.1 * kernels::log(std::max(factor, 1.0)), usual = 1 + logarithm;
  double wanted = usual;
  if (scaling.has("mscale") && scaling.has("mscale_all_dim"))
    wanted = (1 + scaling.number("mscale") * logarithm) /
             (1 + scaling.number("mscale_all_dim") * logarithm);
  if (scaling.has("attention_factor")) wanted = scaling.number("attention_factor");
  return static_cast<double>(static_cast<float>(wanted / usual));  // as GGUF keeps it
}

void read_rope_scaling(const HfReader& scaling, const std::string& source, ModelConfig& c) {
  const std::string type =
      scaling.has("rope_type") ? scaling.text("rope_type") : scaling.text("type");
  if (type == "default") return;
  if (type == "linear") {
    c.rope_scaling = RopeScaling::linear;
    c.rope_factor = scaling.number("factor");
    return;
  }
  if (type == "yarn") {
    c.rope_scaling = RopeScaling::yarn;
    c.rope_factor = scaling.number("factor");
    c.rope_original_context = scaling.has("original_max_position_embeddings")
                                  ? scaling.integer("original_max_position_embeddings")
                                  : c.context;
    c.rope_beta_fast = scaling.number("beta_fast", 32);
    c.rope_beta_slow = scaling.number("beta_slow", 1);
    c.rope_attention = yarn_attention(scaling, c.rope_factor);
    return;
  }
  if (type != "llama3")
    fail_input(
        "{}: rope_scaling type '{}' is not supported; this build knows default, linear, yarn and "
        "llama3",
        source, type);
  c.rope_scaling = RopeScaling::llama3;
  c.rope_factor = scaling.number("factor");
  c.rope_low = scaling.number("low_freq_factor");
  c.rope_high = scaling.number("high_freq_factor");
  c.rope_original_context = scaling.integer("original_max_position_embeddings");
  if (!(c.rope_low > 0 && c.rope_high > c.rope_low && c.rope_original_context > 0))
    fail_input(
        "{}: rope_scaling: 0 < low_freq_factor < high_freq_factor and a positive "
        "original_max_position_embeddings are needed",
        source);
}

constexpr int kMaxJsonDepth = 64;

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
  c.rope_dim = c.head_dim;
  // Newer files gather the rotary fields in rope_parameters.
  const bool gathered = in.has("rope_parameters");
  c.rope_base = gathered ? in.object("rope_parameters").number("rope_theta", 10000)
                         : in.number("rope_theta", 10000);
  if (gathered && in.object("rope_parameters").has("rope_type"))
    read_rope_scaling(in.object("rope_parameters"), path, c);
  if (in.has("rope_scaling")) read_rope_scaling(in.object("rope_scaling"), path, c);
  a.read_hf(root, path, c);
  check_config(c, path);
  if (c.rope_scaling == RopeScaling::llama3) c.rope_divisors = llama3_divisors(c);
  return c;
}

}  // namespace avocado
