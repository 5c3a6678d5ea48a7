#include <algorithm>
#include <cmath>

#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {

// Locally typical sampling (Meister et al., 2022): tokens whose surprise is nearest to the expected
// one, until their probability exceeds p. With Z the sum of exp(logit - best) and D that of
// exp(logit - best) (logit - best), the expected surprise is log Z - D / Z, so the distance is
// |logit - (best + D / Z)|. Ties by rank.
void typical(Candidates& candidates, const Context& context) {
  const float best = candidates.best();
  const double total = candidates.total();
  const double centre = static_cast<double>(best) + candidates.total_times_distance() / total;
  const double target = total * static_cast<double>(context.parameters.typical_p);
  const auto at_least = static_cast<size_t>(std::max(1, context.parameters.min_keep));

  std::vector<Candidate> items;
  double sum = 0;
  size_t kept = 0;
  // Eight times as many as so far while these are too few.
  for (int64_t count = 64;; count *= 8) {
    items = candidates.nearest(centre, count);
    for (; kept < items.size() && (kept < at_least || sum <= target); ++kept)
      sum += kernels::exp(items[kept].logit - best);
    if (kept < items.size() || static_cast<int64_t>(items.size()) < count) break;
  }
  items.resize(kept);
  std::sort(items.begin(), items.end(), better);
  candidates.replace(std::move(items));
}

}  // namespace avocado::samplers
