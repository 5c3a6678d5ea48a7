#pragma once
// Guesses of what comes next, so that the model can judge several tokens in one step. A guess never
// changes an answer: each token is still chosen from the model's own logits, which are the same to
// the bit however many tokens go through it together; a wrong guess is time lost, nothing else.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "infer/engine.h"
#include "infer/sampler.h"

namespace avocado {

class Drafter {
 public:
  virtual ~Drafter() = default;
  // At most `most` tokens that may follow `tokens`, the prompt and the answer so far; may be none.
  virtual std::vector<int32_t> draft(std::span<const int32_t> tokens, size_t most) = 0;
};

// What followed the longest earlier stretch of the text that is the same as its end, if that has at
// least two tokens: for answers that repeat the prompt or themselves.
std::unique_ptr<Drafter> lookup_drafter();

// What a smaller model of the same vocabulary would choose with these parameters: it draws with the
// same numbers as the answer does, so that it often agrees at any temperature. Throws Error(usage)
// when its vocabulary is not that of `tokenizer`. `engine` must outlive it.
std::unique_ptr<Drafter> model_drafter(Engine& engine, const Tokenizer& tokenizer,
                                       const SamplerParameters& parameters);

// How many tokens to guess: as many as gave the most tokens per second so far, by the measured time
// of steps and the share of guesses that were right. None, when guessing does not pay; it is tried
// again from time to time, since texts change.
class DraftLength {
 public:
  explicit DraftLength(size_t most) : most_(most), seconds_(most + 1) {}

  size_t next();
  // A step with `drafted` guesses, the first `right` of them right.
  void learn(size_t drafted, size_t right, double seconds);

 private:
  double seconds_of(size_t drafted) const;

  size_t most_;
  std::vector<double> seconds_;  // of a step, smoothed; 0: not measured
  double right_ = 0.7;           // chance of a guess, when those before it are right
  int64_t steps_ = 0, idle_ = 0;
};

}  // namespace avocado
