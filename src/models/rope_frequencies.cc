#include "models/rope_frequencies.h"

#include <numbers>

#include "kernels/math/math.h"

namespace avocado {
namespace {

double plain_frequency(const ModelConfig& config, int64_t pair) {
  return kernels::pow(config.rope_base,
                      -2.0 * static_cast<double>(pair) / static_cast<double>(config.rope_dim));
}

}  // namespace

std::vector<double> rope_frequencies(const ModelConfig& config) {
  std::vector<double> frequencies;
  for (int64_t i = 0; i < config.rope_dim / 2; ++i) {
    double frequency = plain_frequency(config, i);
    if (config.rope_scaling == RopeScaling::linear) frequency /= config.rope_factor;
    if (!config.rope_divisors.empty()) frequency /= static_cast<double>(config.rope_divisors[i]);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

std::vector<float> llama3_divisors(const ModelConfig& config) {
  std::vector<float> divisors;
  const double original = static_cast<double>(config.rope_original_context);
  for (int64_t i = 0; i < config.rope_dim / 2; ++i) {
    const double wave = 2.0 * std::numbers::pi / plain_frequency(config, i);
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
