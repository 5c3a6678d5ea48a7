#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {

// Keeps tokens whose probability is at least p times that of the best (Nguyen et al., "Turning Up
// the Heat: Min-p Sampling", 2024).
void min_p(Candidates& candidates, const SamplerParameters& parameters, std::span<const int32_t>) {
  if (parameters.min_p <= 0) return;
  std::vector<Candidate>& items = candidates.ordered();
  const float lowest = items.front().logit + kernels::log(parameters.min_p);
  size_t kept = 1;
  while (kept < items.size() && items[kept].logit >= lowest) ++kept;
  items.resize(kept);
}

}  // namespace avocado::samplers
