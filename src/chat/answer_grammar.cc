#include "chat/answer_grammar.h"

#include <fmt/format.h>

#include "chat/marks.h"
#include "grammar/token_trie.h"

namespace avocado::chat {
namespace {

using grammar::Constraint;
using Thinks = AnswerRules::Thinks;
using Calls = AnswerRules::Calls;

constexpr std::string_view kFinal = "<|channel|>final<|message|>", kStart = "<|start|>assistant";

// One rule per line. Those of the tool grammar begin at `root`; ours are
//   answer     all of it
//   thought    thinking, up to its end mark      free     text without calls
//   close      that mark                         content  as the request wants it
//   gap        what may stand before the content without being part of it
class Writer {
 public:
  Writer(const AnswerFormat& format, const Tokenizer& tokenizer, const AnswerRules& rules)
      : format_(format),
        tokenizer_(tokenizer),
        rules_(rules),
        harmony_(std::holds_alternative<HarmonyCalls>(format.calls)) {
    if (rules.calls == Calls::none) return;
    calls_ = tool_grammar(format, rules.tools, rules.choice, &tokenizer);
    for (const ToolGrammar::Hole& hole : calls_.holes)
      parts_[hole.rule] = Constraint::from_parsed_schema(nlohmann::json(hole.schema));
  }

  std::shared_ptr<const Constraint> write() {
    const bool free = rules_.calls != Calls::must && !rules_.content;
    if (free && calls_.triggers.empty()) return nullptr;
    if (!free && rules_.calls == Calls::none && rules_.thinks == Thinks::no && !harmony_ &&
        format_.dropped[0].empty() && before_content().empty())
      return rules_.content;

    const bool ended_by_calls = format_.thinking.ended_by_calls && !calls_.triggers.empty();
    forbid("thought", format_.thinking.close);
    if (ended_by_calls) forbid("thought", calls_.triggers);
    forbid("free", calls_.triggers);
    if (rules_.content) parts_["content"] = rules_.content;

    const std::string calls = free && rules_.choice.several ? "root free (root free)* " : "root ";
    std::string after;  // the thinking
    if (free) {
      after = "(free | free " + calls + ") ";
    } else {
      if (rules_.content && rules_.calls != Calls::must)
        after = gap_before_content() + before_content() + "content ";
      if (rules_.calls != Calls::none) after += after.empty() ? "root " : "| root ";
      after = "(" + after + ") ";
    }
    // In harmony, other messages have no place in `after`, and free text has all of them.
    const std::string open = harmony_ && free ? "" : any_of(format_.thinking.open);
    const std::string close = any_of(format_.thinking.close);
    const std::string ended = harmony_ && !free ? "close start " : "close gap ";
    std::string more = ended + after;
    std::string thinking;
    if (!open.empty() && !close.empty()) {
      thinking = (format_.exact_space ? "" : "[ \\n\\t\\r]{0,4} ") + open + "thought ";
      if (harmony_) {
        const std::string again = "(" + thinking + ended + ")* ";
        after = again + after;
        more = ended + after;
        thinking.clear();
      }
    }
    if (ended_by_calls && rules_.calls != Calls::none) more = "(" + more + "| " + calls + ") ";
    if (free) more = "(" + more + ")? ";  // nothing is asked for, so the answer may end anywhere
    std::string answer = after;
    if (rules_.thinks == Thinks::inside && !close.empty()) {
      answer = "thought " + more;
    } else if (rules_.thinks == Thinks::may && !thinking.empty()) {
      answer += "| " + thinking + more;
    }
    std::string gbnf = fmt::format("answer ::= {}\ngap ::= {}\nstart ::= {}\n", answer, gap(),
                                   mark_gbnf(&tokenizer_, kStart));
    if (!close.empty()) gbnf += fmt::format("close ::= {}\n", close);
    return Constraint::from_parts(gbnf + calls_.gbnf, parts_, "answer");
  }

 private:
  // `rule` is free text without these marks, and never ends the answer by itself.
  template <class List>
  void forbid(const char* rule, const List& marks) {
    auto& text = std::get<grammar::FreeText>(parts_[rule]);
    for (const std::string_view mark : marks)
      if (!mark.empty()) text.without.push_back(mark_bytes(tokenizer_, mark));
    for (const int32_t end : tokenizer_.ends()) text.without.push_back(grammar::token_code(end));
  }

  std::string any_of(const Marks& marks) const {
    std::string any;
    for (const std::string_view mark : marks)
      if (!mark.empty()) any += (any.empty() ? "" : "| ") + mark_gbnf(&tokenizer_, mark);
    return any.empty() ? "" : "(" + any + ") ";
  }

  std::string gap() const {
    if (format_.exact_space) return "\"\"";
    const std::string space = "[ \\n\\t\\r]{0,16} ", dropped = any_of(format_.dropped);
    return dropped.empty() ? space : space + "(" + dropped + space + ")? ";
  }
  std::string gap_before_content() const {
    return format_.exact_space || format_.dropped[0].empty() ? "" : "gap ";
  }
  // The head of a message that is no call.
  std::string before_content() const {
    if (harmony_) return mark_gbnf(&tokenizer_, kFinal);
    const auto* named = std::get_if<NamedCalls>(&format_.calls);
    if (named == nullptr || !named->at_start) return "";
    return mark_gbnf(&tokenizer_, std::string(named->content_name) + "\n");
  }

  const AnswerFormat& format_;
  const Tokenizer& tokenizer_;
  const AnswerRules& rules_;
  const bool harmony_;
  ToolGrammar calls_;
  Constraint::Parts parts_;
};

}  // namespace

std::shared_ptr<const Constraint> answer_constraint(const AnswerFormat& format,
                                                    const Tokenizer& tokenizer,
                                                    const AnswerRules& rules) {
  return Writer(format, tokenizer, rules).write();
}

std::string_view thinking_ending(const AnswerFormat& format, const AnswerRules& rules) {
  std::string_view ending = format.thinking.force;
  // Behind the head of the last message there would be no place for a call.
  if (rules.calls == Calls::must && ending.ends_with(kFinal)) ending.remove_suffix(kFinal.size());
  return ending;
}

}  // namespace avocado::chat
