#include "models/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/math/math.h"

namespace avocado {
namespace {

double pair_frequency(const ModelConfig& config, double base, int64_t pair) {
  return kernels::pow(base,
                      -2.0 * static_cast<double>(pair) / static_cast<double>(config.rope_dim));
}

// How many times the original context was asked for, at least 1.
double stretch(const ModelConfig& config) {
  const int64_t asked = config.rope_asked_context > 0 ? config.rope_asked_context : config.context;
  return std::max(static_cast<double>(asked) / static_cast<double>(config.rope_original_context),
                  1.0);
}

double base_of(const ModelConfig& config) {
  if (config.rope_scaling != RopeScaling::dynamic) return config.rope_base;
  const double dim = static_cast<double>(config.rope_dim);
  const double grown = config.rope_factor * stretch(config) - (config.rope_factor - 1.0);
  return config.rope_base * kernels::pow(grown, dim / (dim - 2.0));
}

// The pair, counted in elements of half a head, that turns `turns` times in the original context.
double pair_of_turns(const ModelConfig& config, double turns) {
  const double wave = static_cast<double>(config.rope_original_context) / turns;
  return static_cast<double>(config.rope_dim) * kernels::log(wave / (2.0 * std::numbers::pi)) /
         (2.0 * kernels::log(config.rope_base));
}

// How much of each pair's frequency is kept, the rest being divided by rope_factor: 1 up to a pair,
// 0 from another one on, and a straight line between them; all times the extrapolation.
std::vector<double> yarn_kept(const ModelConfig& config) {
  const double last = static_cast<double>(config.rope_dim - 1);
  const double low = std::max(std::floor(pair_of_turns(config, config.rope_beta_fast)), 0.0);
  const double high = std::min(std::ceil(pair_of_turns(config, config.rope_beta_slow)), last);
  std::vector<double> kept;
  for (int64_t i = 0; i < config.rope_dim / 2; ++i) {
    const double along = (static_cast<double>(i) - low) / std::max(high - low, 0.001);
    kept.push_back(config.rope_extrapolation * (1.0 - std::clamp(along, 0.0, 1.0)));
  }
  return kept;
}

}  // namespace

double rope_magnitude(const ModelConfig& config) {
  if (config.rope_scaling != RopeScaling::yarn || config.rope_extrapolation == 0)
    return config.rope_attention;
  return config.rope_attention * (1.0 + 0.1 * kernels::log(std::max(config.rope_factor, 1.0)));
}

std::vector<double> rope_frequencies(const ModelConfig& config) {
  std::vector<double> frequencies, kept;
  std::vector<float> factors;
  if (config.rope_scaling == RopeScaling::yarn) kept = yarn_kept(config);
  if (config.rope_scaling == RopeScaling::longrope)
    factors = stretch(config) > 1 ? config.rope_long : config.rope_short;
  const double base = base_of(config);
  for (int64_t i = 0; i < config.rope_dim / 2; ++i) {
    double frequency = pair_frequency(config, base, i);
    if (config.rope_scaling == RopeScaling::linear) frequency /= config.rope_factor;
    if (!kept.empty()) frequency *= kept[i] + (1.0 - kept[i]) / config.rope_factor;
    if (!factors.empty()) frequency /= static_cast<double>(factors[i]);
    if (!config.rope_divisors.empty()) frequency /= static_cast<double>(config.rope_divisors[i]);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

std::vector<float> llama3_divisors(const ModelConfig& config) {
  std::vector<float> divisors;
  const double original = static_cast<double>(config.rope_original_context);
  for (int64_t i = 0; i < config.rope_dim / 2; ++i) {
    const double wave = 2.0 * std::numbers::pi / pair_frequency(config, config.rope_base, i);
    double divisor = 1.0;
    if (wave > original / config.rope_low) {
      divisor = config.rope_factor;
    } else if (wave >= original / config.rope_high) {
      const double smooth =
          (original / wave - config.rope_low) / (config.rope_high - config.rope_low);
      divisor = 1.0 / ((1.0 - smooth) / config.rope_factor + smooth);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

}  // namespace avocado
