#include "infer/samplers/stages.h"

namespace avocado::samplers {

void top_k(Candidates& candidates, const SamplerParameters& parameters, std::span<const int32_t>) {
  if (parameters.top_k > 0) candidates.keep_best(parameters.top_k);
}

}  // namespace avocado::samplers
