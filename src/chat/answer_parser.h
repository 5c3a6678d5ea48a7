#pragma once
// Splits what a model answers into reasoning, content and tool calls, as it arrives.
//
//   AnswerParser parser(find_answer_format(chat_template), {.tools =
//   read_tools(request["tools"])}); for (piece : generated text) for (event : parser.push(piece))
//   ... for (event : parser.finish()) ...
//
// The text must show special tokens that are marks, such as [TOOL_CALLS] or <|channel|>. However it
// is cut into pieces, the events are the same once adjacent deltas are merged. Text is held back
// only while it may be a mark, or white space before one, or the head of a call up to its name.
// What cannot be read as a call is content, as it was written; nothing throws and no byte is lost.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_events.h"
#include "chat/call_scope.h"

namespace avocado::chat {

class AnswerParser {
 public:
  // `format` outlives the parser.
  explicit AnswerParser(const AnswerFormat& format, AnswerOptions options = {});
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;

  std::vector<AnswerEvent> push(std::string_view piece);
  // The answer has ended. Nothing may be pushed after it.
  std::vector<AnswerEvent> finish();
  // Whether what comes next is reasoning, for a ThinkingBudget.
  bool in_thinking() const { return mode_ == Mode::reasoning; }

 private:
  enum class Mode { content, reasoning, call };
  enum class Act { open_thinking, close_thinking, call, drop };
  struct Mark {
    std::string_view text;
    Act act;
    size_t which = 0;       // of the marks that begin a call
    bool at_start = false;  // only before any content
  };
  // The marks that count in a mode, and the bytes that they begin with.
  struct Marks {
    std::vector<Mark> list;
    std::array<bool, 256> first{};
    void add(const Mark& mark);
  };

  void add_call_marks();
  void run();
  bool step_text();
  bool step_call();
  bool try_bare(char c);
  void act(const Mark& mark);
  void start_call(std::unique_ptr<CallReader> reader, std::string source);
  std::unique_ptr<CallReader> reader_of(const Mark& mark) const;
  void say(std::string_view text);
  void say_space();
  void enter(Mode mode);
  std::string_view text() const { return std::string_view(buffer_).substr(at_); }

  const AnswerFormat& format_;
  const AnswerOptions options_;
  AnswerEvents events_;
  CallScope scope_;
  Marks content_marks_, reasoning_marks_;
  bool reads_calls_ = false;

  std::string buffer_;  // not judged yet, from at_
  size_t at_ = 0;
  bool ended_ = false;

  Mode mode_ = Mode::content;
  std::string space_;         // white space that a mark may follow
  bool after_mark_ = false;   // white space here is markup
  bool at_start_ = true;      // no content so far
  bool may_be_bare_ = false;  // a call without a mark may begin here
  bool thought_ = false;      // some reasoning was said since the mode was entered

  std::unique_ptr<CallReader> reader_;
  Mode mode_around_ = Mode::content;  // of the call
};

// A whole answer.
struct Answer {
  struct Call {
    std::string id, name, arguments;
    bool operator==(const Call&) const = default;
  };
  std::string content, reasoning;
  std::vector<Call> calls;

  void add(const AnswerEvent& event);
  bool operator==(const Answer&) const = default;
};

Answer parse_answer(const AnswerFormat& format, const AnswerOptions& options,
                    std::string_view text);

}  // namespace avocado::chat
