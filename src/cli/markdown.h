#pragma once
// Markdown as it arrives, shown with the styles of a terminal: headings, lists, blocks of code,
// `code`, **bold** and *italics*. Everything else stays as it was written, and so does what is
// never closed: a mark is only taken away when its partner has come in the same line.

#include <string>
#include <string_view>

#include "cli/styled_text.h"

namespace avocado::cli {

class Markdown {
 public:
  explicit Markdown(StyledText& out) : out_(out) {}

  // The next bytes, cut anywhere; however they are cut, the same goes to `out`. Held back are the
  // beginning of a line that may be a mark, and a line from an open mark on (kMostHeld bytes).
  void push(std::string_view bytes);
  // The text has ended.
  void finish();

  static constexpr size_t kMostHeld = 400;

 private:
  enum class Place { line_start, line, code, code_line };
  bool step();
  size_t line_start_step();
  size_t code_step();
  size_t inline_step(std::string_view text, bool whole, const Style& style, int depth);
  size_t code_span(std::string_view text, bool whole, const Style& style);
  size_t emphasis(std::string_view text, bool whole, const Style& style, int depth);
  size_t say(std::string_view text, const Style& style);
  std::string_view held() const { return std::string_view(buffer_).substr(at_); }

  StyledText& out_;
  WholeCharacters characters_;
  std::string buffer_;  // from at_: not shown yet
  size_t at_ = 0;
  bool ended_ = false;
  Place place_ = Place::line_start;
  Style line_;          // of the line: a heading's
  std::string fence_;   // that closes the block of code
  char before_ = '\n';  // the byte before
};

}  // namespace avocado::cli
