#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {

// Nucleus sampling (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020): the
// shortest list of best tokens whose probability is at least p; never empty.
void top_p(Candidates& candidates, const SamplerParameters& parameters, std::span<const int32_t>) {
  if (parameters.top_p >= 1) return;
  std::vector<Candidate>& items = candidates.ordered();
  const float best = items.front().logit;
  double total = 0;
  for (const Candidate& c : items) total += kernels::exp(c.logit - best);
  const double target = total * static_cast<double>(parameters.top_p);
  double sum = 0;
  size_t kept = 0;
  while (kept < items.size() && (kept == 0 || sum < target))
    sum += kernels::exp(items[kept++].logit - best);
  items.resize(kept);
}

}  // namespace avocado::samplers
