#pragma once
// The life of one answer, a token at a time: what generate() does between two steps of the engine.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "infer/answer_text.h"
#include "infer/generate.h"
#include "infer/sampler.h"

namespace avocado {

class Answer {
 public:
  // `engine` and `options` must outlive it. Throws Error(usage) for what cannot be asked for.
  Answer(const Engine& engine, std::span<const int32_t> prompt, const GenerateOptions& options);

  // Chooses from the logits of the last of tokens(). True when the answer goes on: then the
  // engine's sequence is to become tokens(), of which the last one has to be run. There may be
  // fewer tokens than before, or others.
  bool choose(std::span<const float> logits);
  bool stop(StopReason reason);  // false

  // The prompt and the answer so far, without what was forgotten.
  const std::vector<int32_t>& tokens() const { return tokens_; }
  // Whether tokens() may differ from before in more than its end, since the last call.
  bool take_moved() { return std::exchange(moved_, false); }
  // Text that has become safe since the last call, appended to the completion's.
  std::string take_text();
  // The rest of it, at the end.
  std::string finish_text();
  Completion& completion() { return completion_; }

 private:
  // Tokens that were forgotten, when the answer had so many.
  struct Shift {
    size_t at;
    std::vector<int32_t> tokens;
  };

  bool is_end(int32_t id) const;
  Choice force(std::span<const float> logits, int32_t id);
  bool set_mask();
  bool follow(int32_t id, bool& allowed);
  void push(const Choice& choice, bool forced);
  bool shift();
  void pop(size_t count);
  void resize(size_t count);
  bool take_back(size_t token);

  const Engine* engine_;
  const GenerateOptions* options_;
  std::vector<int32_t> tokens_;
  size_t keep_;  // of these, when others are forgotten
  std::vector<Shift> shifts_;
  bool moved_ = false;
  SamplerChain chain_;
  AnswerText text_;
  std::optional<ThinkingClock> thinking_;
  std::optional<grammar::Matcher> matcher_;
  std::vector<uint32_t> mask_;  // a bit per logit; empty without a matcher
  Completion completion_;
  std::map<size_t, std::vector<int32_t>> forbidden_;  // by place in the answer
  int64_t taken_back_ = 0;                            // since text was last given out
};

}  // namespace avocado
