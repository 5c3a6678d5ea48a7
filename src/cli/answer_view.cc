#include "cli/answer_view.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "cli/inference.h"
#include "cli/progress.h"

namespace avocado::cli {
namespace {

using Kind = chat::AnswerEvent::Kind;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_terminal() { return isatty(STDOUT_FILENO) != 0; }
// A terminal that knows no codes gets none.
bool has_styles() { return is_terminal() && variable("TERM") != "dumb"; }

}  // namespace

AnswerView::AnswerView(const ViewOptions& options)
    : options_(options),
      terminal_(is_terminal()),
      styled_(options.word_wrap ? terminal_width(STDOUT_FILENO) : 0, variable("NO_COLOR").empty()),
      markdown_(styled_) {}

void AnswerView::show(const chat::AnswerEvent& event) {
  begun_ = true;
  if (!terminal_) {
    if (!options_.hide_thinking || event.kind == Kind::content) print_text(event.text);
  } else if (event.kind == Kind::reasoning) {
    show_thinking(event.text);
  } else if (event.kind == Kind::content) {
    show_content(event.text);
  }
  if (terminal_) print_text(styled_.take());
  finish_output();
}

void AnswerView::show_thinking(const std::string& text) {
  const Style dim = {.dim = has_styles()};
  if (part_ != Part::thinking) {
    if (part_ != Part::none) styled_.put("\n\n", {});
    styled_.put(options_.hide_thinking ? "Thinking..." : "Thinking\n",
                {.bold = has_styles(), .dim = has_styles()});
    part_ = Part::thinking;
  }
  if (!options_.hide_thinking) {
    characters_.push(text);
    styled_.put(characters_.take(), dim);
  }
}

void AnswerView::show_content(const std::string& text) {
  if (part_ == Part::thinking) {
    styled_.put(characters_.finish(), {});
    styled_.put("\n\n", {});
  }
  part_ = Part::content;
  if (options_.markdown && has_styles()) {
    markdown_.push(text);
  } else {
    characters_.push(text);
    styled_.put(characters_.take(), {});
  }
}

void AnswerView::finish() {
  if (terminal_) {
    markdown_.finish();
    styled_.put(characters_.finish(), {});
    styled_.finish();
    print_text(styled_.take());
  }
  print_text("\n");
  finish_output();
}

}  // namespace avocado::cli
