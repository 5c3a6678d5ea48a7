#pragma once
// Guesses of what comes next, so that the model can judge several tokens in one step. A guess never
// changes an answer: each token is still chosen from the model's own logits, which are the same to
// the bit however many tokens go through it together; a wrong guess is time lost, nothing else.
// Speculation (speculation.h) says who guesses, and how many tokens.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "infer/engine.h"
#include "infer/sampler.h"

namespace avocado {

struct Draft {
  std::vector<int32_t> ids;
  // How many tokens at the end of the text were found again, from where the guess is taken: the
  // more, the likelier it is right. 0: guesses are not taken from texts.
  size_t matched = 0;
};

class Drafter {
 public:
  virtual ~Drafter() = default;
  // At most `most` tokens that may follow `tokens`, the prompt and the answer so far; may be none.
  virtual Draft draft(std::span<const int32_t> tokens, size_t most) = 0;
  // Guesses cost next to nothing beside a step of a model.
  virtual bool free() const { return true; }
  // Reads what it has not read of `tokens`, which draft() would do otherwise, where that takes
  // long.
  virtual void catch_up(std::span<const int32_t> /*tokens*/) {}
};

// What followed the longest earlier stretch of the text that is the same as its end: most often,
// or last. It remembers earlier texts of the process, too, about 100 000 tokens together; a text is
// another one when it differs before its last tokens.
std::unique_ptr<Drafter> suffix_drafter();

// What a smaller model of the same vocabulary would choose with these parameters: it draws with the
// same numbers as the answer does, so that it often agrees at any temperature. Throws Error(usage)
// when its vocabulary is not that of `tokenizer`. `engine` must outlive it.
std::unique_ptr<Drafter> model_drafter(Engine& engine, const Tokenizer& tokenizer,
                                       const SamplerParameters& parameters);

}  // namespace avocado
