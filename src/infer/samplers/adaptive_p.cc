#include <algorithm>
#include <cmath>

#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {

// Adaptive-p: prefers tokens whose probability is near a target, which moves against the weighted
// mean of those chosen so far. Each logit becomes 5 - 10 d^2 / (1 + d) with d = |p - target| / 0.3,
// in double, rounded once. `memory.a` / `memory.b` is that mean; it begins at the target.
Drawn adaptive_p(Candidates& candidates, const Context& context, const Memory& memory) {
  const auto target = static_cast<double>(context.parameters.adaptive_target);
  const double adapted = std::clamp(2 * target - memory.a / memory.b, 0.0, 1.0);
  const float best = candidates.best();
  const double total = candidates.total();

  const std::vector<Candidate> before = candidates.list();
  candidates.change_all([&](std::span<float> logits) {
    std::vector<float> p(logits.size());
    weights(logits, best, p);
    for (size_t i = 0; i < logits.size(); ++i) {
      if (std::isinf(logits[i])) continue;
      const double d = std::abs(static_cast<double>(p[i]) / total - adapted) / 0.3;
      logits[i] = static_cast<float>(5 - 10 * d * d / (1 + d));
    }
  });
  candidates.sort_again();
  const Candidate token = candidates.draw(static_cast<double>(context.uniform(kDraw)));
  const auto chosen = std::find_if(before.begin(), before.end(),
                                   [&](const Candidate& c) { return c.id == token.id; });
  return {token, kernels::exp(chosen->logit - best) / total};
}

Memory adaptive_p_memory(const SamplerParameters& p) {
  const double kept = 1 - static_cast<double>(p.adaptive_decay);
  return {static_cast<double>(p.adaptive_target) / kept, 1 / kept};
}

Memory adaptive_p_learn(const SamplerParameters& p, const Memory& memory, double observed) {
  const auto decay = static_cast<double>(p.adaptive_decay);
  return {observed + decay * memory.a, 1 + decay * memory.b};
}

}  // namespace avocado::samplers
