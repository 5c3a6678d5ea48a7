#include "infer/sampler_parameters.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "infer/samplers/stages.h"

namespace avocado {
namespace {

constexpr size_t kMaxSamplers = 32;

template <class Number>
void within(const char* name, Number value, double low, double high) {
  const auto x = static_cast<double>(value);
  if (!(x >= low && x <= high))
    fail_usage("{} is {}; it must be from {} to {}", name, value, low, high);
}

std::string known_samplers() {
  std::vector<std::string> names;
  for (const samplers::Stage& stage : samplers::stages())
    names.push_back(fmt::format("{} ({})", stage.name, stage.letter));
  return fmt::format("{}", fmt::join(names, ", "));
}

const samplers::Stage& find_stage(std::string_view name) {
  const samplers::Stage* stage = samplers::find(name);
  if (stage == nullptr)
    fail_usage("there is no sampler \"{}\"; there are {}", name, known_samplers());
  return *stage;
}

// A whole text as a number. `inf` and `infinity` are numbers.
template <class Number>
bool read_number(std::string_view text, Number& value) {
  Number read;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  value = read;
  return true;
}

void check_bias(const LogitBias& bias) {
  if (std::isnan(bias.bias) || (std::isfinite(bias.bias) && std::abs(bias.bias) > 1e6f))
    fail_usage("logit-bias is {}; it must be from -1e6 to 1e6, or -inf or inf", bias.bias);
  if (bias.id < 0 && bias.text.empty())
    fail_usage("logit-bias needs a token id of 0 or more, or a text");
  if (bias.first < -1)
    fail_usage("logit-bias holds for the first {} tokens; it must be -1 (all) or more", bias.first);
}

}  // namespace

void check_sampler(const SamplerParameters& p) {
  constexpr double kMost = 1 << 30;
  within("temperature", p.temperature, 0, 1000);
  within("dynatemp-range", p.dynatemp_range, 0, 1000);
  within("dynatemp-exp", p.dynatemp_exponent, 0, 100);
  if (p.top_k < 0) fail_usage("top-k is {}; it must be 0 (all) or more", p.top_k);
  within("top-p", p.top_p, 0, 1);
  within("min-p", p.min_p, 0, 1);
  within("typical", p.typical_p, 0, 1);
  within("top-n-sigma", p.top_n_sigma, -1, 1000);
  within("xtc-probability", p.xtc_probability, 0, 1);
  within("xtc-threshold", p.xtc_threshold, 0, 1);
  within("min-keep", p.min_keep, 0, kMost);
  within("repeat-last-n", p.repeat_last_n, -1, kMost);
  within("repeat-penalty", p.repeat_penalty, 0.01, 100);
  within("frequency-penalty", p.frequency_penalty, -1000, 1000);
  within("presence-penalty", p.presence_penalty, -1000, 1000);
  within("dry-multiplier", p.dry_multiplier, 0, 1000);
  within("dry-base", p.dry_base, 1, 1000);
  within("dry-allowed-length", p.dry_allowed_length, 1, kMost);
  within("dry-penalty-last-n", p.dry_penalty_last_n, -1, kMost);
  for (const std::string& breaker : p.dry_sequence_breakers)
    if (breaker.empty())
      fail_usage("a dry-sequence-breaker is empty; give a text, or no breakers at all");
  within("mirostat", p.mirostat, 0, 2);
  within("mirostat-ent", p.mirostat_tau, 0, 100);
  within("mirostat-lr", p.mirostat_eta, 0, 1);
  within("adaptive-target", p.adaptive_target, -1, 1);
  within("adaptive-decay", p.adaptive_decay, 0, 0.99);
  within("n-probs", p.n_probs, 0, kMost);
  for (const LogitBias& bias : p.logit_bias) check_bias(bias);
  if (p.samplers.size() > kMaxSamplers)
    fail_usage("{} samplers are named; at most {} can be", p.samplers.size(), kMaxSamplers);
  for (const std::string& name : p.samplers) find_stage(name);
}

std::vector<std::string> parse_samplers(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const size_t end = std::min(list.find(';'), list.size());
    if (end > 0) names.emplace_back(find_stage(list.substr(0, end)).name);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

std::vector<std::string> parse_sampler_letters(std::string_view letters) {
  std::vector<std::string> names;
  for (const char letter : letters) {
    const auto stages = samplers::stages();
    const auto stage = std::find_if(stages.begin(), stages.end(),
                                    [letter](const auto& s) { return s.letter == letter; });
    if (stage == stages.end())
      fail_usage("there is no sampler with the letter \"{}\"; there are {}", letter,
                 known_samplers());
    names.emplace_back(stage->name);
  }
  return names;
}

LogitBias parse_logit_bias(std::string_view argument) {
  LogitBias result;
  std::string_view rest = argument;
  const size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && read_number(rest.substr(colon + 1), result.first))
    rest = rest.substr(0, colon);
  // The last sign with a number behind it; that of an exponent (1e-5) has one before it, too.
  const auto bias_at = [&](size_t sign) {
    const std::string_view number = rest.substr(rest[sign] == '+' ? sign + 1 : sign);
    return !number.empty() && number[0] != '+' && read_number(number, result.bias);
  };
  size_t sign = std::string_view::npos;
  for (size_t at = rest.size(); at-- > 1;)
    if ((rest[at] == '+' || rest[at] == '-') && bias_at(at) &&
        (sign == std::string_view::npos || rest[sign - 1] == 'e'))
      sign = at;
  if (sign == std::string_view::npos || !bias_at(sign)) {
    fail_usage(
        "logit-bias \"{}\" is not TOKEN(+|-)BIAS[:FIRST], such as 15043-inf, \" Hello\"+1.5 or "
        "13-5:20",
        argument);
  }
  std::string_view token = rest.substr(0, sign);
  if (!read_number(token, result.id) || result.id < 0) {
    result.id = -1;
    if (token.size() >= 2 && token.front() == '"' && token.back() == '"')
      token = token.substr(1, token.size() - 2);
    result.text = token;
  }
  check_bias(result);
  return result;
}

}  // namespace avocado
