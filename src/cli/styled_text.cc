#include "cli/styled_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "text/unicode.h"

namespace avocado::cli {
namespace {

// Controls, and marks that turn the direction of what follows.
bool steers(uint32_t code) {
  if (code == '\n' || code == '\t') return false;
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

int columns_of(uint32_t code) {
  return std::max(utf8proc_charwidth(static_cast<utf8proc_int32_t>(code)), 0);
}

// Japanese and Chinese are broken between any two characters, but for these.
bool never_first(uint32_t code) {
  static constexpr std::u32string_view kClosing =
      U"、。，．・：；？！）」』】〉》〕］｝ー々…ぁぃぅぇぉっゃゅょァィゥェォッャュョ";
  return kClosing.find(code) != std::u32string_view::npos;
}
bool never_last(uint32_t code) {
  static constexpr std::u32string_view kOpening = U"（「『【〈《〔［｛";
  return kOpening.find(code) != std::u32string_view::npos;
}

template <class Use>
void for_each_character(std::string_view text, Use use) {
  const char *p = text.data(), *end = p + text.size();
  while (p < end) {
    const unicode::Decoded c = unicode::decode(p, end);
    const auto length = static_cast<size_t>(c.length);
    use(c.valid ? std::string_view(p, length) : std::string_view("\xef\xbf\xbd"), c.code_point);
    p += length;
  }
}

}  // namespace

void StyledText::put(std::string_view text, const Style& style) {
  if (!text.empty() && style != style_) restyle(style);
  for_each_character(text, [&](std::string_view character, uint32_t code) {
    if (!steers(code)) put_character(character, code);
  });
}

void StyledText::put_character(std::string_view character, uint32_t code) {
  if (code == '\n') {
    end_word();
    out_ += blanks_;
    out_ += '\n';
    blanks_.clear();
    blank_styles_.clear();
    blank_columns_ = column_ = indent_ = 0;
    joined_ = false;
    return;
  }
  if (code == ' ' || code == '\t') {
    end_word();
    joined_ = false;
    blanks_ += character;
    blank_columns_ += code == ' ' ? 1 : 8 - (column_ + blank_columns_) % 8;
    return;
  }
  const int columns = columns_of(code);
  const bool wide = columns == 2 && !word_.empty() && columns_of(last_) == 2;
  if (wide && !never_first(code) && !never_last(last_)) {
    end_word();
    joined_ = false;
  }
  word_ += character;
  word_columns_ += columns;
  last_ = code;
  // A word that no line can hold is not waited for, nor is one that will not be moved.
  if (!wraps_ || width_ == 0 || word_columns_ > width_) {
    end_word();
    joined_ = true;
  }
}

void StyledText::end_word() {
  if (word_columns_ == 0 && last_ == 0) return;
  const bool breaks = wraps_ && width_ > 0 && !joined_ && column_ > indent_ &&
                      column_ + blank_columns_ + word_columns_ > width_;
  if (breaks) {
    out_ += '\n' + std::string(static_cast<size_t>(indent_), ' ') + blank_styles_;
    column_ = indent_;
  } else {
    out_ += blanks_;
    column_ += blank_columns_;
  }
  out_ += word_;
  column_ += word_columns_;
  if (width_ > 0) column_ = (column_ - 1) % width_ + 1;
  blanks_.clear();
  blank_styles_.clear();
  word_.clear();
  blank_columns_ = word_columns_ = 0;
  last_ = 0;
}

void StyledText::restyle(const Style& style) {
  std::string codes = "\x1b[0";
  if (style.bold) codes += ";1";
  if (style.dim) codes += ";2";
  if (style.italic) codes += ";3";
  if (style.underline) codes += ";4";
  if (style.code && colours_) codes += ";36";
  codes += 'm';
  style_ = style;
  if (last_ != 0) {
    word_ += codes;
  } else {
    blanks_ += codes;
    blank_styles_ += codes;
  }
}

void StyledText::finish() {
  if (style_ != Style{}) restyle({});
  end_word();
  out_ += std::exchange(blanks_, {});
  column_ += std::exchange(blank_columns_, 0);
  blank_styles_.clear();
}

std::string StyledText::take() { return std::exchange(out_, {}); }

std::string harmless(std::string_view text) {
  std::string out;
  for_each_character(text, [&](std::string_view character, uint32_t code) {
    if (!steers(code)) out += character;
  });
  return out;
}

std::string WholeCharacters::take() {
  // Back to the last byte that begins a character; it is whole when its length says so.
  size_t whole = held_.size();
  for (size_t back = 1; back <= std::min<size_t>(3, held_.size()); ++back) {
    const auto byte = static_cast<unsigned char>(held_[held_.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    const size_t length = byte < 0xc2 || byte > 0xf4 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (length > back) whole = held_.size() - back;
    break;
  }
  std::string text = held_.substr(0, whole);
  held_.erase(0, whole);
  return text;
}

}  // namespace avocado::cli
