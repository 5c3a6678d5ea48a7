#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {

// Nucleus sampling (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020): the
// shortest list of best tokens whose probability is at least p; never empty.
void top_p(Candidates& candidates, const Context& context) {
  const float best = candidates.best();
  const double target = candidates.total() * static_cast<double>(context.parameters.top_p);
  double sum = 0;
  int64_t kept = 0;
  candidates.replace(candidates.best_while([&](const Candidate& c) {
    if (kept > 0 && kept >= context.parameters.min_keep && sum >= target) return false;
    sum += kernels::exp(c.logit - best);
    ++kept;
    return true;
  }));
}

}  // namespace avocado::samplers
