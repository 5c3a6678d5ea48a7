#pragma once
// How an answer looks while it comes.

#include <optional>
#include <string>

#include "chat/answer_events.h"
#include "cli/markdown.h"
#include "cli/styled_text.h"

namespace avocado::cli {

struct ViewOptions {
  bool hide_thinking = false;
  bool markdown = true;  // on a terminal
  bool word_wrap = true;
};

// Prints one answer to standard output. On a terminal thinking stands apart, dim, under a heading,
// tool calls stand below theirs, and the answer is shown as Markdown. In a file or a pipe it is
// what the model wrote, to the byte.
class AnswerView {
 public:
  explicit AnswerView(const ViewOptions& options);

  void show(const chat::AnswerEvent& event);
  // Ends the last line.
  void finish();
  // Whether anything was shown.
  bool begun() const { return begun_; }

 private:
  enum class Part { none, thinking, content, call };
  void begin(Part part);
  void end();
  void show_on_terminal(const chat::AnswerEvent& event);
  void show_thinking(const std::string& text);
  void show_content(const std::string& text);

  const ViewOptions options_;
  const bool terminal_;
  bool begun_ = false;
  StyledText styled_;
  std::optional<Markdown> markdown_;  // of a part
  WholeCharacters characters_;
  Part part_ = Part::none;
};

}  // namespace avocado::cli
