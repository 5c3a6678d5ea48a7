#include "infer/samplers/stages.h"

namespace avocado::samplers {

// Zero leaves the best token alone. Differences to the best are scaled, so a tiny temperature does
// not overflow.
void temperature(Candidates& candidates, const SamplerParameters& parameters,
                 std::span<const int32_t>) {
  if (parameters.temperature == 0) return candidates.keep_best(1);
  std::vector<Candidate>& items = candidates.ordered();
  const float best = items.front().logit;
  for (Candidate& c : items) c.logit = (c.logit - best) / parameters.temperature;
}

}  // namespace avocado::samplers
