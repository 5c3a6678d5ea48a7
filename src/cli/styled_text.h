#pragma once
// Text with styles for a terminal, as a stream: whole words on each line, and nothing in the text
// itself can steer the terminal.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace avocado::cli {

struct Style {
  bool bold = false, dim = false, italic = false, underline = false;
  bool code = false;  // coloured, where colours are wanted
  bool operator==(const Style&) const = default;
};

class StyledText {
 public:
  // `width`: columns of the terminal; 0: lines are as long as they come.
  StyledText(int width, bool colours) : width_(width), colours_(colours) {}

  // Any text, of whole characters. Control characters but line break and tab are left out, as are
  // marks that turn the direction of text; bytes that are no UTF-8 become U+FFFD.
  void put(std::string_view text, const Style& style);
  // Lines that are broken from here on go on below this column; holds until the line ends.
  void indent(int columns) { indent_ = columns; }
  // Whether long lines are broken (they are, at first).
  void wrap(bool on) { wraps_ = on; }
  // Nothing is held back any more, and the style is the terminal's own.
  void finish();
  // What can be shown, each byte once: all but the last word.
  std::string take();

  bool colours() const { return colours_; }

 private:
  void put_character(std::string_view character, uint32_t code);
  void restyle(const Style& style);
  void end_word();

  const int width_;
  const bool colours_;
  bool wraps_ = true;
  int indent_ = 0;
  Style style_;
  std::string out_;
  int column_ = 0;
  // The word that is being read, the blanks before it, and their columns. Changes of style among
  // the blanks are kept apart, since a line break takes the place of the blanks.
  std::string blanks_, blank_styles_, word_;
  int blank_columns_ = 0, word_columns_ = 0;
  uint32_t last_ = 0;  // last character of the word
  // The word goes on from what was given out: no line break before it.
  bool joined_ = false;
};

// `text` without what can steer a terminal.
std::string harmless(std::string_view text);

// A stream of bytes as whole characters: take() gives all but the begun one at the end.
class WholeCharacters {
 public:
  void push(std::string_view bytes) { held_ += bytes; }
  std::string take();
  std::string finish() { return std::move(held_); }

 private:
  std::string held_;
};

}  // namespace avocado::cli
