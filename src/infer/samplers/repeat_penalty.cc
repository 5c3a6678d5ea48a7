#include <algorithm>

#include "infer/samplers/stages.h"

namespace avocado::samplers {

// A positive logit is divided and a negative one multiplied, once per distinct token (Keskar et
// al., "CTRL", 2019).
void repeat_penalty(Candidates& candidates, const SamplerParameters& parameters,
                    std::span<const int32_t> history) {
  if (parameters.repeat_penalty == 1) return;
  const auto recent = history.last(std::min<size_t>(history.size(), parameters.repeat_last));
  std::vector<int32_t> tokens(recent.begin(), recent.end());
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  std::vector<Candidate>& items = candidates.unordered();
  for (int32_t id : tokens) {
    float& logit = items[id].logit;  // first in the table: items still stand by id
    logit = logit > 0 ? logit / parameters.repeat_penalty : logit * parameters.repeat_penalty;
  }
}

}  // namespace avocado::samplers
