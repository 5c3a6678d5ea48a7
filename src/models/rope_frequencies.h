#pragma once
// The turning speed of each rotary pair: frequency[i] = base^(-2i / dim), changed by what the model
// or the user asks for (RopeScaling), so that a model can be used for more positions than it was
// trained on. With L the positions asked for, O those of the training before it was made longer:
//
//   linear    frequency / factor
//   llama3    frequency / divisor[i], from the wave length (llama3_divisors)
//   yarn      fast pairs kept, slow ones divided by factor (Peng et al., "YaRN: Efficient Context
//             Window Extension of Large Language Models", 2023, section 3)
//   dynamic   base * (factor * L / O - (factor - 1))^(dim / (dim - 2)) for L > O: "NTK-aware"
//             scaling by the length
//   longrope  frequency / long[i] for L > O, else frequency / short[i] (Ding et al., "LongRoPE:
//             Extending LLM Context Window Beyond 2 Million Tokens", 2024; Phi-3)
//
// Divisors of the file (rope_freqs.weight) divide in addition, whatever the kind.
//
// L is the context asked for when the model is loaded (rope_options.h), by default the model's own:
// never the number of tokens so far. Frequencies that change while a sequence grows would leave
// keys in the cache that were turned by other frequencies than the queries that meet them; the
// answer would then depend on how the prompt was cut into chunks. So the same prompt under another
// context is another computation with these two kinds, and under one context it is one.

#include <vector>

#include "models/config.h"

namespace avocado {

// [rope_dim / 2]. In double, by the project's own pow.
std::vector<double> rope_frequencies(const ModelConfig& config);

// What queries and keys are multiplied by, beside being turned: rope_attention, and for YaRN that
// times 1 + ln(factor) / 10, unless its extrapolation is 0.
double rope_magnitude(const ModelConfig& config);

// Divisors of Llama 3.1's scaling, rounded to float as files store them: wave lengths beyond
// original_context / low are stretched by `factor`, those below original_context / high are kept,
// in between the frequency is interpolated (Llama 3.1 reference code, "apply_scaling").
std::vector<float> llama3_divisors(const ModelConfig& config);

}  // namespace avocado
