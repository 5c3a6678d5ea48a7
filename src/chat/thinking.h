#pragma once
// Thinking: whether a prompt has begun it, what it may cost, and what a template can switch.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_format.h"

namespace avocado::chat {

// Whether an answer to this prompt begins inside of thinking: AnswerOptions::starts_in_thinking.
bool prompt_opens_thinking(const AnswerFormat& format, std::string_view rendered_prompt);

// Ends thinking after so many tokens of it.
class ThinkingBudget {
 public:
  // Below zero: without end.
  ThinkingBudget(const AnswerFormat& format, int64_t tokens)
      : ending_(format.thinking.force), tokens_(tokens) {}

  // `reasoning_tokens`: of this answer so far. True once, when ending() has to be written now, in
  // place of the next token; the parser gets it as text of the answer.
  bool must_end(int64_t reasoning_tokens) {
    if (ended_ || tokens_ < 0 || ending_.empty() || reasoning_tokens < tokens_) return false;
    ended_ = true;
    return true;
  }
  std::string_view ending() const { return ending_; }

 private:
  std::string_view ending_;
  int64_t tokens_;
  bool ended_ = false;
};

// The variables by which a chat template lets a request steer thinking, of those in use:
// enable_thinking, thinking, reasoning, reasoning_effort, thinking_budget. Only what the template
// reads counts, not what it merely sets, nor members of messages.
std::vector<std::string> template_switches(std::string_view chat_template);

}  // namespace avocado::chat
