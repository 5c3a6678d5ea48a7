#pragma once
// How much an answer may think. When its reasoning has taken so many tokens, the mark that ends it
// comes in place of what the model would choose, token by token; nothing is drawn for these
// positions, and those after them draw with the same numbers as ever.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/answer_parser.h"
#include "text/tokenizer.h"

namespace avocado {

struct ThinkingBudget {
  int64_t tokens = 0;                          // of reasoning, the mark that begins it not counted
  const chat::AnswerFormat* format = nullptr;  // outlives the answer
  chat::AnswerOptions reading;                 // how its text is read
  std::string ending;                          // what ends the thinking
};

// Follows one answer.
class ThinkingClock {
 public:
  ThinkingClock(const ThinkingBudget& budget, const Tokenizer& tokenizer);

  // The token that has to come next; -1: any may.
  int32_t forced() const;
  // One more token, by its text; `forced`: it was that one.
  void push(std::string_view text, bool forced);
  // Only the first `tokens` stay.
  void rewind(size_t tokens);
  // Whether token number `token` was forced.
  bool was_forced(size_t token) const { return steps_[token].forced > 0; }

 private:
  struct Step {
    std::string text;
    size_t forced;     // which token of the ending it is, counted from 1; 0: none
    int64_t reasoned;  // tokens of reasoning up to it
  };
  void restart();

  const ThinkingBudget* budget_;
  std::vector<int32_t> ending_;
  std::unique_ptr<chat::AnswerParser> parser_;
  std::vector<Step> steps_;
};

}  // namespace avocado
