#include <algorithm>

#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {
namespace {

// Between temperature - range and temperature + range, by the share that the entropy has of the
// greatest one, to the power of the exponent.
float dynamic_temperature(const Candidates& candidates, const SamplerParameters& p) {
  const auto temperature = static_cast<double>(p.temperature);
  const auto range = static_cast<double>(p.dynatemp_range);
  const double low = std::max(0.0, temperature - range), high = temperature + range;
  const double total = candidates.total();
  const double entropy = kernels::log(total) - candidates.total_times_distance() / total;
  const double share = entropy / kernels::log(static_cast<double>(candidates.size()));
  const auto exponent = static_cast<double>(p.dynatemp_exponent);
  const double bent = exponent == 0 ? 1 : share > 0 ? kernels::pow(share, exponent) : 0;
  return static_cast<float>(low + (high - low) * bent);
}

}  // namespace

// Differences to the best are scaled, so a tiny temperature does not overflow.
void divide_by_temperature(Candidates& candidates, float temperature) {
  if (temperature == 0) return candidates.keep_best(1);
  const float best = candidates.best();
  candidates.change_all([=](std::span<float> logits) {
    for (float& logit : logits) logit = (logit - best) / temperature;
  });
}

void temperature(Candidates& candidates, const Context& context) {
  const SamplerParameters& p = context.parameters;
  if (p.dynatemp_range == 0) return divide_by_temperature(candidates, p.temperature);
  if (candidates.size() > 1) divide_by_temperature(candidates, dynamic_temperature(candidates, p));
}

}  // namespace avocado::samplers
