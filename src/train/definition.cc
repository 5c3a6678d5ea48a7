#include "train/definition.h"

#include <utility>

#include "train/json_fields.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

// Each field is named once; writing and reading are two visitors of this list.
template <class Config, class Visitor>
void visit_config(Config& c, Visitor&& visit) {
  visit("architecture", c.architecture);
  visit("name", c.name);
  visit("vocab", c.vocab);
  visit("width", c.width);
  visit("layers", c.layers);
  visit("heads", c.heads);
  visit("kv_heads", c.kv_heads);
  visit("head_dim", c.head_dim);
  visit("ffn", c.ffn);
  visit("context", c.context);
  visit("window", c.window);
  visit("norm_eps", c.norm_eps);
  visit("tied", c.tied);
  visit("attention_bias", c.attention_bias);
  visit("qk_norm", c.qk_norm);
  visit("rope_base", c.rope_base);
  visit("rope_dim", c.rope_dim);
  visit("rope_scaling", c.rope_scaling);
  visit("rope_factor", c.rope_factor);
  visit("rope_low", c.rope_low);
  visit("rope_high", c.rope_high);
  visit("rope_original_context", c.rope_original_context);
  visit("rope_divisors", c.rope_divisors);
  if (c.rope_scaling == RopeScaling::yarn || c.rope_scaling == RopeScaling::longrope)
    visit("rope_attention", c.rope_attention);
  if (c.rope_scaling == RopeScaling::yarn) {
    visit("rope_beta_fast", c.rope_beta_fast);
    visit("rope_beta_slow", c.rope_beta_slow);
    visit("rope_extrapolation", c.rope_extrapolation);
  }
  if (c.rope_scaling == RopeScaling::longrope) {
    visit("rope_short", c.rope_short);
    visit("rope_long", c.rope_long);
  }
}

}  // namespace

Json config_to_json(const ModelConfig& config) {
  FieldWriter writer;
  visit_config(config, writer);
  return std::move(writer.json);
}

ModelConfig config_from_json(const Json& json, const std::string& source) {
  ModelConfig config;
  FieldReader reader(json, source);
  visit_config(config, reader);
  reader.finish();
  return config;
}

std::string definition_text(const ModelConfig& config, const TrainOptions& options,
                            const std::string& data, const std::string& initial) {
  const Json definition = {{"model", config_to_json(config)},
                           {"train", options_to_json(options)},
                           {"data", data},
                           {"initial", initial}};
  return definition.dump();
}

}  // namespace avocado
