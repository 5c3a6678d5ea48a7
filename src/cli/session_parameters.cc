#include "cli/session_parameters.h"

#include <charconv>
#include <cmath>
#include <functional>
#include <type_traits>

#include "base/error.h"
#include "base/nearest.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Parameter {
  std::string name;
  // Of a value as it is typed; null: it is no such value.
  std::function<Json(std::string_view)> parse;
  // False: it is no such value.
  std::function<bool(GenerateOptions&, const Json&)> set;
  std::function<Json(const GenerateOptions&)> get;
};

template <class Number>
Json parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return nullptr;
  return value;
}

// The shortest decimal number that names it: 0.8 and not 0.800000011920929.
template <class Number>
Json number_json(Number value) {
  if constexpr (std::is_same_v<Number, float>)
    return parse_number<double>(fmt::format("{}", value));
  return value;
}

template <class Number>
bool read_number(const Json& json, Number& value) {
  if constexpr (std::is_same_v<Number, float>) {
    if (!json.is_number()) return false;
    value = static_cast<float>(json.get<double>());
    return std::isfinite(value);
  } else {
    if (!json.is_number_integer()) return false;
    if (json.is_number_unsigned()) {
      const auto wide = json.get<uint64_t>();
      value = static_cast<Number>(wide);
      return std::in_range<Number>(wide);
    }
    const auto wide = json.get<int64_t>();
    value = static_cast<Number>(wide);
    return std::in_range<Number>(wide);
  }
}

// A number, found by `field(options)`.
template <class Field>
Parameter number(const char* name, Field field) {
  using Number = std::remove_cvref_t<decltype(field(std::declval<GenerateOptions&>()))>;
  return {name,
          [](std::string_view text) {
            return parse_number<std::conditional_t<std::is_same_v<Number, float>, double, Number>>(
                text);
          },
          [field](GenerateOptions& options, const Json& json) {
            return read_number(json, field(options));
          },
          [field](const GenerateOptions& options) {
            return number_json(field(const_cast<GenerateOptions&>(options)));
          }};
}
template <class Number>
Parameter number(const char* name, Number SamplerParameters::*member) {
  return number(name, [member](GenerateOptions& o) -> Number& { return o.sampling.*member; });
}

// "a" "b", or one text as it stands.
Json parse_texts(std::string_view text) {
  Json list = Json::array();
  if (text.empty()) return nullptr;
  if (text.front() != '"') return Json::array({std::string(text)});
  while (!text.empty()) {
    const size_t end = text.find('"', 1);
    if (text.front() != '"' || end == std::string_view::npos || end == 1) return nullptr;
    list.push_back(std::string(text.substr(1, end - 1)));
    text.remove_prefix(end + 1);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  }
  return list;
}

bool read_texts(const Json& json, std::vector<std::string>& texts) {
  if (!json.is_array()) return false;
  texts.clear();
  for (const Json& text : json) {
    if (!text.is_string() || text.get_ref<const std::string&>().empty()) return false;
    texts.push_back(text);
  }
  return true;
}

const std::vector<Parameter>& parameters() {
  using P = SamplerParameters;
  static const std::vector<Parameter> all = {
      number("temperature", &P::temperature),
      number("top_k", &P::top_k),
      number("top_p", &P::top_p),
      number("min_p", &P::min_p),
      number("typical_p", &P::typical_p),
      number("top_n_sigma", &P::top_n_sigma),
      number("dynatemp_range", &P::dynatemp_range),
      number("dynatemp_exponent", &P::dynatemp_exponent),
      number("xtc_probability", &P::xtc_probability),
      number("xtc_threshold", &P::xtc_threshold),
      number("min_keep", &P::min_keep),
      number("mirostat", &P::mirostat),
      number("mirostat_tau", &P::mirostat_tau),
      number("mirostat_eta", &P::mirostat_eta),
      number("adaptive_target", &P::adaptive_target),
      number("adaptive_decay", &P::adaptive_decay),
      number("repeat_last_n", &P::repeat_last_n),
      number("repeat_penalty", &P::repeat_penalty),
      number("frequency_penalty", &P::frequency_penalty),
      number("presence_penalty", &P::presence_penalty),
      number("dry_multiplier", &P::dry_multiplier),
      number("dry_base", &P::dry_base),
      number("dry_allowed_length", &P::dry_allowed_length),
      number("dry_penalty_last_n", &P::dry_penalty_last_n),
      number("seed", &P::seed),
      number("num_predict", [](GenerateOptions& o) -> int64_t& { return o.max_tokens; }),
      {"stop", parse_texts,
       [](GenerateOptions& o, const Json& json) { return read_texts(json, o.stop_strings); },
       [](const GenerateOptions& o) -> Json { return o.stop_strings; }},
      {"samplers", [](std::string_view text) -> Json { return parse_samplers(text); },
       [](GenerateOptions& o, const Json& json) { return read_texts(json, o.sampling.samplers); },
       [](const GenerateOptions& o) -> Json { return o.sampling.samplers; }},
  };
  return all;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Parameter& find(std::string_view name) {
  for (const Parameter& parameter : parameters())
    if (parameter.name == name) return parameter;
  fail_usage("there is no parameter {}; the nearest is {}", printable(name),
             nearest(name, parameter_names()));
}

void set(GenerateOptions& options, const Parameter& parameter, const Json& value,
         std::string_view written) {
  GenerateOptions changed = options;
  if (value.is_null() || !parameter.set(changed, value))
    fail_usage("{} cannot be {}; it is {} now", parameter.name, printable(written),
               text_of(parameter.get(options)));
  check_sampler(changed.sampling);
  if (changed.max_tokens < -1)
    fail_usage("num_predict cannot be {}; -1 is without a bound", changed.max_tokens);
  options = std::move(changed);
}

}  // namespace

std::vector<std::string> parameter_names() {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters()) names.push_back(parameter.name);
  return names;
}

void set_parameter(GenerateOptions& options, std::string_view name, std::string_view value) {
  const Parameter& parameter = find(name);
  set(options, parameter, parameter.parse(value), value);
}

Json parameters_json(const GenerateOptions& options) {
  Json json = Json::object();
  for (const Parameter& parameter : parameters()) json[parameter.name] = parameter.get(options);
  return json;
}

void read_parameters(GenerateOptions& options, const Json& all) {
  if (!all.is_object()) fail_usage("\"parameters\" is not an object");
  GenerateOptions changed = options;
  for (const auto& [name, value] : all.items()) set(changed, find(name), value, text_of(value));
  options = std::move(changed);
}

}  // namespace avocado::cli
