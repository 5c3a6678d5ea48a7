#pragma once
// The grammar of tool calls: what an answer may be from the first mark of its calls to their end,
// when a call is required or has been begun.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_format.h"
#include "chat/tools.h"
#include "text/tokenizer.h"

namespace avocado::chat {

struct ToolChoice {
  std::string name = {};  // the only tool that may be called; empty: any
  bool several = true;    // more than one call
};

struct ToolGrammar {
  // GBNF text. It begins at `root` and names rules that it does not define:
  std::string gbnf;
  // those, each the JSON texts that a schema allows.
  struct Hole {
    std::string rule;
    nlohmann::ordered_json schema;
  };
  std::vector<Hole> holes;
  // Where calls are not required, the grammar counts from where the answer (outside of thinking)
  // first has one of these texts; they are the beginning of what it describes. Empty: the format
  // has no mark, its calls can only be required.
  std::vector<std::string> triggers;
};

// Marks that are control tokens of `tokenizer` are written as such (<[id]>); without one all are
// text. Throws Error(usage) when there are no tools, or none of the chosen name.
ToolGrammar tool_grammar(const AnswerFormat& format, const std::vector<Tool>& tools,
                         const ToolChoice& choice = {}, const Tokenizer* tokenizer = nullptr);

}  // namespace avocado::chat
