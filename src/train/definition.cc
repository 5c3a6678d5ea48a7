#include "train/definition.h"

#include <utility>

#include "base/error.h"
#include "base/sha256.h"

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

template <class Options, class Visitor>
void visit_options(Options& o, Visitor&& visit) {
  visit("steps", o.steps);
  visit("rows", o.rows);
  visit("micro_batches", o.micro_batches);
  visit("lr", o.lr);
  visit("min_lr", o.min_lr);
  visit("warmup", o.warmup);
  visit("weight_decay", o.weight_decay);
  visit("beta1", o.beta1);
  visit("beta2", o.beta2);
  visit("eps", o.eps);
  visit("clip", o.clip);
  visit("seed", o.seed);
  visit("digest_every", o.digest_every);
}

struct Writer {
  Json json = Json::object();
  template <class T>
  void operator()(const char* key, const T& value) {
    json[key] = value;
  }
  void operator()(const char* key, const RopeScaling& value) {
    json[key] = rope_scaling_name(value);
  }
};

struct Reader {
  const Json& json;
  const std::string& source;
  size_t fields = 0;

  const Json& field(const char* key, Json::value_t type, const char* wanted) {
    ++fields;
    const auto found = json.find(key);
    if (found == json.end()) fail_input("{}: \"{}\" is missing", source, key);
    const bool right = type == Json::value_t::number_float     ? found->is_number()
                       : type == Json::value_t::number_integer ? found->is_number_integer()
                                                               : found->type() == type;
    if (!right) fail_input("{}: \"{}\" is {}; it must be {}", source, key, found->dump(), wanted);
    return *found;
  }
  void operator()(const char* key, std::string& value) {
    value = field(key, Json::value_t::string, "a string").get<std::string>();
  }
  void operator()(const char* key, int64_t& value) {
    value = field(key, Json::value_t::number_integer, "a whole number").get<int64_t>();
  }
  void operator()(const char* key, uint64_t& value) {
    value = field(key, Json::value_t::number_unsigned, "a whole number from 0").get<uint64_t>();
  }
  void operator()(const char* key, double& value) {
    value = field(key, Json::value_t::number_float, "a number").get<double>();
  }
  void operator()(const char* key, bool& value) {
    value = field(key, Json::value_t::boolean, "true or false").get<bool>();
  }
  void operator()(const char* key, RopeScaling& value) {
    const Json& text = field(key, Json::value_t::string, "a kind of scaling");
    for (const auto& [scaling, name] : kRopeScalings)
      if (text == name) {
        value = scaling;
        return;
      }
    fail_input("{}: \"{}\" is {}, which is not a kind of scaling", source, key, text.dump());
  }
  void operator()(const char* key, std::vector<float>& value) {
    value.clear();
    for (const Json& number : field(key, Json::value_t::array, "an array of numbers")) {
      if (!number.is_number()) fail_input("{}: \"{}\" holds {}", source, key, number.dump());
      value.push_back(number.get<float>());
    }
  }
  void finish() const {
    if (json.size() != fields)
      fail_input("{}: {} fields where {} are known", source, json.size(), fields);
  }
};

void require_object(const Json& json, const std::string& source) {
  if (!json.is_object()) fail_input("{}: must be an object", source);
}

}  // namespace

Json config_to_json(const ModelConfig& config) {
  Writer writer;
  visit_config(config, writer);
  return std::move(writer.json);
}

Json options_to_json(const TrainOptions& options) {
  Writer writer;
  visit_options(options, writer);
  return std::move(writer.json);
}

ModelConfig config_from_json(const Json& json, const std::string& source) {
  require_object(json, source);
  ModelConfig config;
  Reader reader{json, source};
  visit_config(config, reader);
  reader.finish();
  return config;
}

TrainOptions options_from_json(const Json& json, const std::string& source) {
  require_object(json, source);
  TrainOptions options;
  Reader reader{json, source};
  visit_options(options, reader);
  reader.finish();
  return options;
}

std::string definition_digest(const ModelConfig& config, const TrainOptions& options,
                              const std::string& data, const std::string& initial) {
  const Json definition = {{"model", config_to_json(config)},
                           {"train", options_to_json(options)},
                           {"data", data},
                           {"initial", initial}};
  return Sha256().update(definition.dump()).hex();
}

}  // namespace avocado
