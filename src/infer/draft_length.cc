#include <algorithm>
#include <cmath>

#include "infer/drafter.h"

namespace avocado {
namespace {

constexpr double kForget = 0.1;       // weight of the newest step
constexpr int64_t kTryAgain = 32;     // steps without a guess
constexpr double kGain = 1.05;        // guessing has to be faster by this
constexpr double kGuessedCost = 0.1;  // of a step, for each further token, until it is measured

}  // namespace

double DraftLength::seconds_of(size_t drafted) const {
  if (seconds_[drafted] > 0) return seconds_[drafted];
  size_t known = drafted;
  while (known > 0 && seconds_[known] == 0) --known;
  return seconds_[known] * (1 + kGuessedCost * static_cast<double>(drafted - known));
}

size_t DraftLength::next() {
  if (++steps_ <= 2) return 0;  // the time of a plain step comes first
  size_t best = 0;
  double most = kGain / seconds_of(0), tokens = 1, chance = 1;
  for (size_t n = 1; n <= most_; ++n) {
    chance *= right_;
    tokens += chance;
    if (tokens / seconds_of(n) > most) most = tokens / seconds_of(n), best = n;
  }
  if (best > 0) {
    idle_ = 0;
  } else if (++idle_ % kTryAgain == 0) {
    best = std::min<size_t>(2, most_);
  }
  return best;
}

void DraftLength::learn(size_t drafted, size_t right, double seconds) {
  double& known = seconds_[std::min(drafted, most_)];
  known = known == 0 ? seconds : known + kForget * (seconds - known);
  for (size_t i = 0; i < drafted && i <= right; ++i)
    right_ += kForget * ((i < right ? 1.0 : 0.0) - right_);
}

}  // namespace avocado
