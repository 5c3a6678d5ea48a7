#include "infer/sampler.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/philox.h"
#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado {
namespace {

constexpr SamplerStage kStages[] = {
    samplers::repeat_penalty, samplers::top_k,       samplers::top_p,
    samplers::min_p,          samplers::temperature,
};

bool better(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

void check_logits(std::span<const float> logits) {
  bool finite = false;
  for (size_t id = 0; id < logits.size(); ++id) {
    const float x = logits[id];
    if (std::isnan(x) || x == INFINITY) {
      fail_input("the model gave {} as the logit of token {}; its weights are damaged",
                 std::isnan(x) ? "NaN" : "infinity", id);
    }
    finite |= x != -INFINITY;
  }
  if (!finite) fail_input("the model gave no token a finite logit; its weights are damaged");
}

}  // namespace

void check_sampler(const SamplerParameters& p) {
  const auto within = [](const char* name, float value, float low, float high) {
    if (!(value >= low && value <= high))
      fail_usage("{} is {}; it must be from {} to {}", name, value, low, high);
  };
  within("temperature", p.temperature, 0, 1000);
  within("top-p", p.top_p, 0, 1);
  within("min-p", p.min_p, 0, 1);
  within("repeat-penalty", p.repeat_penalty, 0.01f, 100);
  if (p.top_k < 0) fail_usage("top-k is {}; it must be 0 (all) or more", p.top_k);
  if (p.repeat_last < 0)
    fail_usage("the number of recent tokens is {}; it must be 0 or more", p.repeat_last);
}

Candidates::Candidates(std::span<const float> logits) {
  items_.reserve(logits.size());
  for (float logit : logits) items_.push_back({static_cast<int32_t>(items_.size()), logit});
}

std::vector<Candidate>& Candidates::ordered() {
  if (!ordered_) std::sort(items_.begin(), items_.end(), better);
  ordered_ = true;
  return items_;
}

void Candidates::keep_best(int64_t count) {
  if (count >= static_cast<int64_t>(items_.size())) return;
  if (!ordered_) std::partial_sort(items_.begin(), items_.begin() + count, items_.end(), better);
  ordered_ = true;
  items_.resize(count);
}

int32_t sample(std::span<const float> logits, std::span<const int32_t> history,
               const SamplerParameters& parameters, int64_t position) {
  // No stage after the penalty ever drops the best token.
  if (parameters.temperature == 0 && parameters.repeat_penalty == 1) return argmax(logits);
  check_logits(logits);
  Candidates candidates(logits);
  for (SamplerStage stage : kStages) stage(candidates, parameters, history);

  const std::vector<Candidate>& items = candidates.ordered();
  const float best = items.front().logit;
  double total = 0;
  for (const Candidate& c : items) total += kernels::exp(c.logit - best);
  const double target =
      total * Random(parameters.seed, Purpose::sampling).uniform(static_cast<uint64_t>(position));
  double sum = 0;
  for (const Candidate& c : items) {
    sum += kernels::exp(c.logit - best);
    if (sum > target) return c.id;
  }
  return items.back().id;  // not reached: target < total
}

int32_t argmax(std::span<const float> logits) {
  check_logits(logits);
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace avocado
