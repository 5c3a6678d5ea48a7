#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {

// "Exclude top choices": with the given chance, of the tokens that are at least as likely as the
// threshold only the least likely stays. Where fewer than min_keep would be left, nothing happens.
void xtc(Candidates& candidates, const Context& context) {
  const SamplerParameters& p = context.parameters;
  if (context.uniform(kXtc) >= p.xtc_probability) return;
  const float best = candidates.best();
  const double bar = candidates.total() * static_cast<double>(p.xtc_threshold);
  const auto likely = static_cast<int64_t>(
      candidates.best_while([&](const Candidate& c) { return kernels::exp(c.logit - best) >= bar; })
          .size());
  if (likely < 2 || candidates.size() - (likely - 1) < p.min_keep) return;
  candidates.drop_best(likely - 1);
}

}  // namespace avocado::samplers
