#include "chat/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "chat/jinja/memory.h"
#include "chat/jinja/text.h"
#include "text/unicode.h"

namespace avocado::jinja {
namespace {

// \r\n and \r become \n, and one newline at the end goes.
std::string normalize_newlines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_data();
    push(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw Failure(message, line_); }

  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool here(std::string_view text) const { return rest().starts_with(text); }

  // Moves on, counting lines.
  void advance(size_t to) {
    line_ +=
        static_cast<uint32_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }
  size_t after_space(size_t at) const {
    at = std::min(at, source_.size());
    while (at < source_.size() && is_space(code_point_at(&source_[at])))
      at += char_bytes(source_[at]);
    return at;
  }

  void push(TokenKind kind, std::string_view text) {
    tokens_.push_back({kind, line_, std::string(text)});
  }

  // The text up to the next tag, and the tag.
  void read_data() {
    size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= source_.size()) {
        push(TokenKind::data, rest());
        at_ = source_.size();
        return;
      }
      const char next = source_[tag + 1];
      if (next == '{' || next == '%' || next == '#') break;
    }
    const char kind = source_[tag + 1];
    const char control = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    push_text(at_, tag, control, kind == '{');
    const bool has_control = control == '-' || control == '+';
    const size_t inside = tag + (has_control ? 3 : 2);
    if (kind == '#') return read_comment(inside);
    if (kind == '%' && read_raw(inside)) return;
    advance(inside);
    push(TokenKind::open, kind == '{' ? "{{" : "{%");
    read_tag(kind == '{');
  }

  // Text before a tag, less what the tag strips.
  void push_text(size_t begin, size_t end, char control, bool expression) {
    const std::string_view whole = std::string_view(source_).substr(begin, end - begin);
    std::string_view text = whole;
    if (control == '-') {
      while (!text.empty()) {
        size_t last = text.size() - 1;
        while ((static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
        if (!is_space(code_point_at(&text[last]))) break;
        text = text.substr(0, last);
      }
    } else if (control != '+' && !expression) {
      const size_t line = text.rfind('\n') + 1;  // 0 when there is no newline
      if ((line > 0 || line_starting_) && line < text.size() && after_space(begin + line) >= end)
        text = text.substr(0, line);
    }
    if (!text.empty()) push(TokenKind::data, text);
    advance(end);
  }

  // Behind a tag's end: all white space after '-', one newline after a block, nothing after '+'.
  void end_tag(size_t at, char control, bool block) {
    size_t to = at;
    if (control == '-') {
      to = after_space(at);
    } else if (control != '+' && block && at < source_.size() && source_[at] == '\n') {
      to = at + 1;
    }
    line_starting_ = source_[to - 1] == '\n';
    advance(to);
  }

  void read_comment(size_t inside) {
    const size_t close = source_.find("#}", inside);
    if (close == std::string::npos) fail("a comment {# has no end #}");
    const char control = close > inside ? source_[close - 1] : '\0';
    end_tag(close + 2, control, true);
  }

  // {% raw %} ... {% endraw %} is data; false when this is another tag.
  bool read_raw(size_t inside) {
    size_t at = after_space(inside);
    if (source_.compare(at, 3, "raw") != 0) return false;
    at = after_space(at + 3);
    const bool strips = source_.compare(at, 3, "-%}") == 0;
    if (!strips && source_.compare(at, 2, "%}") != 0) return false;
    at += strips ? 3 : 2;
    advance(strips ? after_space(at) : at);
    line_starting_ = source_[at_ - 1] == '\n';
    for (size_t tag = at_;; tag += 2) {
      tag = source_.find("{%", tag);
      if (tag == std::string::npos) fail("{% raw %} has no {% endraw %}");
      const char control = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      size_t end = after_space(tag + (control == '-' || control == '+' ? 3 : 2));
      if (source_.compare(end, 6, "endraw") != 0) continue;
      end = after_space(end + 6);
      const char sign = end < source_.size() ? source_[end] : '\0';
      if (sign == '-' || sign == '+') ++end;
      if (source_.compare(end, 2, "%}") != 0) continue;
      push_text(at_, tag, control, false);
      end_tag(end + 2, sign, true);
      return true;
    }
  }

  // The inside of {{ }} or {% %}, its end included.
  void read_tag(bool expression) {
    const std::string_view close = expression ? "}}" : "%}";
    brackets_.clear();
    while (true) {
      advance(after_space(at_));
      if (at_ >= source_.size()) fail(fmt::format("a tag has no end {}", close));
      if (brackets_.empty()) {
        const char c = source_[at_];
        const bool control = c == '-' || (c == '+' && !expression);
        if (rest().substr(control ? 1 : 0).starts_with(close)) {
          push(TokenKind::close, close);
          end_tag(at_ + (control ? 3 : 2), control ? c : '\0', !expression);
          return;
        }
      }
      read_token();
    }
  }

  void read_token() {
    const char c = source_[at_];
    if (is_digit(c)) return read_number();
    if (c == '\'' || c == '"') return read_string(c);
    size_t end = at_;
    while (end < source_.size() && is_word(end)) end += char_bytes(source_[end]);
    if (end > at_) {
      push(TokenKind::name, rest().substr(0, end - at_));
      at_ = end;
      return;
    }
    read_sign();
  }

  bool is_word(size_t at) const {
    const uint32_t point = code_point_at(&source_[at]);
    return unicode::class_of(point) &
           (unicode::kLetter | unicode::kNumber | unicode::kMark | unicode::kConnectorPunctuation);
  }

  void read_sign() {
    static constexpr std::string_view kSigns[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                  "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                  ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    for (std::string_view sign : kSigns) {
      if (!here(sign)) continue;
      const char c = sign[0];
      if (c == '(' || c == '[' || c == '{') brackets_ += c == '(' ? ')' : c == '[' ? ']' : '}';
      if (c == ')' || c == ']' || c == '}') {
        if (brackets_.empty() || brackets_.back() != c) fail(fmt::format("unexpected '{}'", c));
        brackets_.pop_back();
      }
      push(TokenKind::sign, sign);
      at_ += sign.size();
      return;
    }
    fail(fmt::format("unexpected character '{}'", rest().substr(0, char_bytes(source_[at_]))));
  }

  // Digits, with single underscores between them.
  size_t after_digits(size_t at, int base) const {
    const auto digit = [&](size_t i) {
      if (i >= source_.size()) return false;
      const char c = source_[i];
      if (is_digit(c)) return c - '0' < base;
      return base == 16 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
    };
    while (digit(at) || (at < source_.size() && source_[at] == '_' && digit(at + 1))) ++at;
    return at;
  }

  void read_number() {
    const bool after_dot = !tokens_.empty() && tokens_.back().is(TokenKind::sign, ".");
    int base = 10;
    size_t begin = at_;
    if (source_[at_] == '0' && at_ + 1 < source_.size()) {
      const char c = static_cast<char>(source_[at_ + 1] | 0x20);
      base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
      if (base != 10) begin += 2;
    }
    size_t end = after_digits(begin, base);
    bool real = false;
    if (base == 10 && !after_dot) {
      if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
        end = after_digits(end + 1, 10);
        real = true;
      }
      if (end < source_.size() && (source_[end] | 0x20) == 'e') {
        size_t exponent = end + 1;
        if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-'))
          ++exponent;
        if (exponent < source_.size() && is_digit(source_[exponent])) {
          end = after_digits(exponent, 10);
          real = true;
        }
      }
    }
    std::string digits = source_.substr(begin, end - begin);
    std::erase(digits, '_');
    push(real ? TokenKind::real : TokenKind::integer, "");
    Token& token = tokens_.back();
    const char *first = digits.data(), *last = first + digits.size();
    const auto result = real ? std::from_chars(first, last, token.real)
                             : std::from_chars(first, last, token.integer, base);
    if (result.ec == std::errc::result_out_of_range && !real)
      fail(fmt::format("the integer {} does not fit into 64 bits", digits));
    if (result.ec == std::errc::invalid_argument) fail("a number lacks its digits");
    at_ = end;
  }

  void read_string(char quote) {
    std::string text;
    size_t at = at_ + 1;
    while (true) {
      if (at >= source_.size()) fail("a string has no end");
      if (source_[at] == quote) break;
      if (source_[at] != '\\') {
        text += source_[at++];
      } else {
        if (++at >= source_.size()) fail("a string has no end");
        at = read_escape(at, text);
      }
    }
    push(TokenKind::string, text);
    advance(at + 1);
  }

  // Python's escapes; `at` is behind the backslash.
  size_t read_escape(size_t at, std::string& text) {
    static constexpr std::string_view kNames = "\\'\"abfnrtv", kMeanings = "\\'\"\a\b\f\n\r\t\v";
    const char c = source_[at];
    if (const size_t i = kNames.find(c); i != std::string_view::npos) {
      text += kMeanings[i];
      return at + 1;
    }
    if (c == '\n') return at + 1;  // the line goes on
    uint32_t point = 0;
    if (c >= '0' && c <= '7') {
      size_t end = at;
      while (end < at + 3 && end < source_.size() && source_[end] >= '0' && source_[end] <= '7')
        point = point * 8 + static_cast<uint32_t>(source_[end++] - '0');
      unicode::append_utf8(point, text);
      return end;
    }
    const size_t count = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (count == 0) {  // not an escape: both characters stay
      if (c == 'N') fail("\\N{name} in a string is not supported; write \\u and the number");
      text += '\\';
      return at;
    }
    const char* first = source_.data() + at + 1;
    const char* last = first + std::min(count, source_.size() - at - 1);
    const auto result = std::from_chars(first, last, point, 16);
    if (result.ec != std::errc() || result.ptr != first + count || point > 0x10ffff ||
        (point & ~0x7ffu) == 0xd800)
      fail(fmt::format("\\{} in a string is not followed by the number of a character", c));
    unicode::append_utf8(point, text);
    return at + 1 + count;
  }

  const std::string source_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  bool line_starting_ = true;  // what was read last ends with a newline
  std::string brackets_;       // that have to be closed, innermost last
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace avocado::jinja
