#include "infer/thinking_budget.h"

#include "base/error.h"

namespace avocado {

ThinkingClock::ThinkingClock(const ThinkingBudget& budget, const Tokenizer& tokenizer)
    : budget_(&budget), ending_(tokenizer.encode(budget.ending, {.special = true})) {
  if (budget.tokens < 0) fail_usage("the thinking budget is {} tokens", budget.tokens);
  restart();
}

void ThinkingClock::restart() {
  parser_ = std::make_unique<chat::AnswerParser>(*budget_->format, budget_->reading);
  for (const Step& step : steps_) parser_->push(step.text);
}

int32_t ThinkingClock::forced() const {
  const size_t done = steps_.empty() ? 0 : steps_.back().forced;
  if (done > 0 && done < ending_.size()) return ending_[done];
  const int64_t reasoned = steps_.empty() ? 0 : steps_.back().reasoned;
  const bool over = parser_->in_thinking() && reasoned >= budget_->tokens;
  return over && !ending_.empty() ? ending_[0] : -1;
}

void ThinkingClock::push(std::string_view text, bool forced) {
  const size_t done = steps_.empty() ? 0 : steps_.back().forced;
  const int64_t reasoned = (steps_.empty() ? 0 : steps_.back().reasoned) + parser_->in_thinking();
  steps_.push_back({std::string(text), forced ? done % ending_.size() + 1 : 0, reasoned});
  parser_->push(text);
}

// The parser cannot go back, but it is quick, and this is rare.
void ThinkingClock::rewind(size_t tokens) {
  if (tokens >= steps_.size()) return;
  steps_.resize(tokens);
  restart();
}

}  // namespace avocado
