#include <algorithm>
#include <limits>

#include "infer/samplers/stages.h"

namespace avocado::samplers {

// For each distinct token among the recent ones, `count` times there: the repeat penalty (Keskar et
// al., "CTRL", 2019) divides a positive logit and multiplies a negative one; then
// count * frequency + presence is subtracted, in float, rounded after each operation.
void penalties(Candidates& candidates, const Context& context) {
  const SamplerParameters& p = context.parameters;
  const auto& history = context.history;
  const auto recent = p.repeat_last_n < 0
                          ? history
                          : history.last(std::min<size_t>(history.size(), p.repeat_last_n));
  std::vector<int32_t> tokens(recent.begin(), recent.end());
  std::sort(tokens.begin(), tokens.end());
  std::vector<int32_t> distinct;
  std::vector<int32_t> counts;
  for (const int32_t id : tokens) {
    if (distinct.empty() || distinct.back() != id) {
      distinct.push_back(id);
      counts.push_back(0);
    }
    ++counts.back();
  }
  constexpr float kMost = std::numeric_limits<float>::max();
  candidates.change(distinct, [&](size_t i, float logit) {
    logit = logit > 0 ? logit / p.repeat_penalty : logit * p.repeat_penalty;
    logit -= static_cast<float>(counts[i]) * p.frequency_penalty + p.presence_penalty;
    return std::clamp(logit, -kMost, kMost);
  });
}

}  // namespace avocado::samplers
