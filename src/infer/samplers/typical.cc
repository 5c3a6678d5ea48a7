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
  const auto nearer = [centre](const Candidate& a, const Candidate& b) {
    const double da = std::abs(static_cast<double>(a.logit) - centre);
    const double db = std::abs(static_cast<double>(b.logit) - centre);
    return da < db || (da == db && better(a, b));
  };
  const double target = total * static_cast<double>(context.parameters.typical_p);
  const auto at_least = static_cast<size_t>(std::max(1, context.parameters.min_keep));

  std::vector<Candidate> items = candidates.list();
  double sum = 0;
  size_t kept = 0;
  for (size_t sorted = 0; kept < items.size() && (kept < at_least || sum <= target); ++kept) {
    if (kept == sorted) {  // what comes next by distance, eight times as many as so far
      sorted = std::min(items.size(), std::max<size_t>(64, 8 * sorted));
      const auto from = items.begin() + static_cast<ptrdiff_t>(kept);
      const auto to = items.begin() + static_cast<ptrdiff_t>(sorted);
      if (to != items.end()) std::nth_element(from, to, items.end(), nearer);
      std::sort(from, to, nearer);
    }
    sum += kernels::exp(items[kept].logit - best);
  }
  items.resize(kept);
  std::sort(items.begin(), items.end(), better);
  candidates.replace(std::move(items));
}

}  // namespace avocado::samplers
