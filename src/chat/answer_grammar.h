#pragma once
// What an answer may be as a whole: thinking first, then content or tool calls.

#include <memory>
#include <vector>

#include "chat/answer_format.h"
#include "chat/tool_grammar.h"
#include "grammar/matcher.h"
#include "text/tokenizer.h"

namespace avocado::chat {

struct AnswerRules {
  enum class Thinks {
    no,
    may,     // the answer may begin with it
    inside,  // the prompt has opened it
  };
  enum class Calls {
    none,
    may,   // from where the answer has a mark of a call on, it is a call, to its end
    must,  // nothing else follows the thinking
  };
  Thinks thinks = Thinks::no;
  Calls calls = Calls::none;
  std::vector<Tool> tools = {};  // with calls
  ToolChoice choice = {};
  // What the content may be, when there is no call; null: anything.
  std::shared_ptr<const grammar::Constraint> content = nullptr;
};

// Thinking is free, to its end mark; what holds after it holds to the end of the answer, which may
// not come before. Null when every answer is allowed; so it is for calls that may come, in formats
// whose calls begin without a mark. Throws Error(usage) as tool_grammar() and Constraint do.
std::shared_ptr<const grammar::Constraint> answer_constraint(const AnswerFormat& format,
                                                             const Tokenizer& tokenizer,
                                                             const AnswerRules& rules);

// What ends thinking when it has to end (ThinkingBudget), so that these rules let it through.
std::string_view thinking_ending(const AnswerFormat& format, const AnswerRules& rules);

}  // namespace avocado::chat
