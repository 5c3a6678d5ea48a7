#pragma once
// Chooses the next token from logits. The choice is a pure function of (logits, recent tokens,
// parameters, seed, position): no state, so any token of any answer can be drawn again by anybody.
//
// Stages run in llama.cpp's default order and with its meaning: repetition penalty, top-k, top-p,
// min-p, temperature. Then one number u is drawn for the position, and the first candidate at which
// the running sum of exp(logit - best) exceeds u times the whole sum is taken. Candidates stand by
// descending logit, ties by ascending id; sums are in double, in that order.

#include <cstdint>
#include <span>
#include <vector>

namespace avocado {

struct SamplerParameters {
  float temperature = 0.8f;     // 0: the best token
  int32_t top_k = 40;           // keep the k best; 0: all
  float top_p = 0.95f;          // keep the best whose probabilities reach p; 1: all
  float min_p = 0.05f;          // keep those at least p times as likely as the best; 0: all
  float repeat_penalty = 1.0f;  // above 1: recent tokens become less likely
  int32_t repeat_last = 64;     // how many tokens are recent
  uint64_t seed = 0;
};

// Throws Error(usage) naming the parameter that makes no sense.
void check_sampler(const SamplerParameters& parameters);

struct Candidate {
  int32_t id;
  float logit;
};

// What the stages work on; at first every token, by id.
class Candidates {
 public:
  explicit Candidates(std::span<const float> logits);

  std::vector<Candidate>& unordered() { return items_; }
  // By descending logit, ties by ascending id.
  std::vector<Candidate>& ordered();
  // The `count` first of that order are kept.
  void keep_best(int64_t count);

 private:
  std::vector<Candidate> items_;
  bool ordered_ = false;
};

// One stage; `history` are the tokens before the one to be chosen.
using SamplerStage = void (*)(Candidates& candidates, const SamplerParameters& parameters,
                              std::span<const int32_t> history);

// Throws Error(input) when a logit is NaN or +infinity, or all are -infinity.
int32_t sample(std::span<const float> logits, std::span<const int32_t> history,
               const SamplerParameters& parameters, int64_t position);

// The highest logit, ties by lower id. Errors as above.
int32_t argmax(std::span<const float> logits);

}  // namespace avocado
