#pragma once
// The stages, one file each. A new one is a file here and a line in the table of sampler.cc.

#include "infer/sampler.h"

namespace avocado::samplers {

void repeat_penalty(Candidates&, const SamplerParameters&, std::span<const int32_t> history);
void top_k(Candidates&, const SamplerParameters&, std::span<const int32_t> history);
void top_p(Candidates&, const SamplerParameters&, std::span<const int32_t> history);
void min_p(Candidates&, const SamplerParameters&, std::span<const int32_t> history);
void temperature(Candidates&, const SamplerParameters&, std::span<const int32_t> history);

}  // namespace avocado::samplers
