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
      styled_(options.word_wrap ? terminal_width(STDOUT_FILENO) : 0, variable("NO_COLOR").empty()) {
}

void AnswerView::show(const chat::AnswerEvent& event) {
  begun_ = true;
  if (terminal_) {
    show_on_terminal(event);
    print_text(styled_.take());
  } else if (event.kind != Kind::arguments) {  // they stand in the text of the call's end
    const bool answer = event.kind == Kind::content || event.kind == Kind::call_end;
    if (answer || !options_.hide_thinking) print_text(event.text);
  }
  finish_output();
}

void AnswerView::show_on_terminal(const chat::AnswerEvent& event) {
  if (event.kind == Kind::reasoning) {
    show_thinking(event.text);
  } else if (event.kind == Kind::content) {
    show_content(event.text);
  } else if (event.kind == Kind::call_begin) {
    begin(Part::call);
    styled_.put("Tool call: " + event.name + "\n", {.bold = has_styles()});
  } else if (event.kind == Kind::arguments) {
    characters_.push(event.text);
    styled_.put(characters_.take(), {});
  }
}

void AnswerView::begin(Part part) {
  end();
  if (part_ != Part::none) styled_.put("\n\n", {});
  part_ = part;
}

// Of the part that is shown nothing is held back any more.
void AnswerView::end() {
  if (markdown_) markdown_->finish();
  markdown_.reset();
  styled_.put(characters_.finish(), {});
}

void AnswerView::show_thinking(const std::string& text) {
  if (part_ != Part::thinking) {
    begin(Part::thinking);
    styled_.put(options_.hide_thinking ? "Thinking..." : "Thinking\n",
                {.bold = has_styles(), .dim = has_styles()});
  }
  if (!options_.hide_thinking) {
    characters_.push(text);
    styled_.put(characters_.take(), {.dim = has_styles()});
  }
}

void AnswerView::show_content(const std::string& text) {
  if (part_ != Part::content) {
    begin(Part::content);
    if (options_.markdown && has_styles()) markdown_.emplace(styled_);
  }
  if (markdown_) {
    markdown_->push(text);
  } else {
    characters_.push(text);
    styled_.put(characters_.take(), {});
  }
}

void AnswerView::finish() {
  if (terminal_) {
    end();
    styled_.finish();
    print_text(styled_.take());
  }
  print_text("\n");
  finish_output();
}

}  // namespace avocado::cli
