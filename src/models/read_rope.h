#pragma once
// Reads how a model turns its queries and keys: rope_* of ModelConfig.

#include "files/gguf.h"
#include "models/config.h"
#include "models/hf_reader.h"

namespace avocado {

// Tensors of a GGUF file that belong here: divisors of each pair's frequency.
inline constexpr const char* kRopeDivisors = "rope_freqs.weight";
inline constexpr const char* kRopeLong = "rope_factors_long.weight";
inline constexpr const char* kRopeShort = "rope_factors_short.weight";

// Both need head_dim and context, and throw Error(input) naming a kind of scaling that this build
// does not know.
void read_rope(const GgufFile& file, const std::string& architecture, ModelConfig& config);
void read_rope(const HfReader& in, ModelConfig& config);

}  // namespace avocado
