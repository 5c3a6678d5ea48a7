#pragma once
// The turning speed of each rotary pair. YaRN is section 3 of Peng et al., "YaRN: Efficient Context
// Window Extension of Large Language Models", 2023.

#include <vector>

#include "models/config.h"

namespace avocado {

// frequency[i] = base^(-2i / dim), divided by what the model's scaling asks for. In double, by the
// project's own pow.
std::vector<double> rope_frequencies(const ModelConfig& config);

// What queries and keys are multiplied by, beside being turned: 1 but for YaRN.
double rope_magnitude(const ModelConfig& config);

// Divisors of Llama 3.1's scaling, rounded to float as files store them: wave lengths beyond
// original_context / low are stretched by `factor`, those below original_context / high are kept,
// in between the frequency is interpolated (Llama 3.1 reference code, "apply_scaling").
std::vector<float> llama3_divisors(const ModelConfig& config);

}  // namespace avocado
