#include "text/json_cursor.h"

#include <charconv>

#include "base/error.h"
#include "text/unicode.h"

namespace avocado {

void JsonCursor::fail(std::string_view what) const {
  fail_input("{}: byte {}: {}", name_, base_ + at_, what);
}

void JsonCursor::white_space() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
    ++at_;
}

bool JsonCursor::next_is(char c) {
  white_space();
  return at_ < text_.size() && text_[at_] == c;
}

void JsonCursor::expect(char c) {
  if (!next_is(c)) fail(fmt::format("the JSON is not valid here: expected '{}'", c));
  ++at_;
}

bool JsonCursor::open(char opening, char closing) {
  expect(opening);
  if (++depth_ > kDeepest) fail(fmt::format("the JSON is nested deeper than {} levels", kDeepest));
  if (!next_is(closing)) return true;
  ++at_;
  --depth_;
  return false;
}

bool JsonCursor::more(char closing) {
  if (next_is(closing)) {
    ++at_;
    --depth_;
    return false;
  }
  expect(',');
  return true;
}

uint32_t JsonCursor::hex4() {
  uint32_t value = 0;
  const std::string_view digits = text_.substr(at_, 4);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + 4)
    fail("a \\u escape needs four hexadecimal digits");
  at_ += 4;
  return value;
}

std::string_view JsonCursor::string(std::string& scratch) {
  expect('"');
  const size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\') ++at_;
  std::string_view result = text_.substr(begin, at_ - begin);
  if (at_ < text_.size() && text_[at_] == '\\') {
    scratch.assign(result);
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        scratch.push_back(text_[at_++]);
        continue;
      }
      ++at_;
      constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
      const char c = at_ < text_.size() ? text_[at_++] : '\0';
      if (const size_t known = kEscapes.find(c); c != '\0' && known != std::string_view::npos) {
        scratch.push_back(kMeanings[known]);
      } else if (c == 'u') {
        uint32_t unit = hex4();
        if (unit >= 0xd800 && unit < 0xdc00) {
          if (!text_.substr(at_).starts_with("\\u")) fail("a lone surrogate");
          at_ += 2;
          const uint32_t low = hex4();
          if (low < 0xdc00 || low > 0xdfff) fail("a lone surrogate");
          unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        } else if (unit >= 0xdc00 && unit < 0xe000) {
          fail("a lone surrogate");
        }
        unicode::append_utf8(unit, scratch);
      } else {
        fail("an unknown escape in a JSON string");
      }
    }
    result = scratch;
  }
  if (at_ == text_.size()) fail("a JSON string does not end");
  // Control characters must be written as escapes.
  for (char c : text_.substr(begin, at_ - begin))
    if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a JSON string");
  if (!unicode::is_valid_utf8(result)) fail("a JSON string is not valid UTF-8");
  ++at_;
  return result;
}

std::string_view JsonCursor::number_text() {
  white_space();
  const size_t begin = at_;
  const auto digits = [&] {
    const size_t first = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    if (at_ == first) fail("the JSON is not valid here: expected a value");
    return at_ - first;
  };
  if (at_ < text_.size() && text_[at_] == '-') ++at_;
  const bool zero = at_ < text_.size() && text_[at_] == '0';
  if (digits() > 1 && zero) fail("a number with a leading zero");
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    digits();
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    digits();
  }
  return text_.substr(begin, at_ - begin);
}

double JsonCursor::number() {
  const std::string_view digits = number_text();
  double value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec != std::errc()) fail("a number out of range");
  return value;
}

int64_t JsonCursor::integer() {
  const std::string_view digits = number_text();
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size())
    fail(fmt::format("{} is not a 64-bit integer", digits));
  return value;
}

std::string_view JsonCursor::skip(size_t& begin) {
  white_space();
  const size_t first = at_;
  std::string scratch;
  size_t ignored;
  const auto literal = [&](std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  };
  if (next_is('{')) {
    object([&](std::string_view) { skip(ignored); });
  } else if (next_is('[')) {
    array([&] { skip(ignored); });
  } else if (next_is('"')) {
    string(scratch);
  } else if (!literal("null") && !literal("true") && !literal("false")) {
    number_text();
  }
  begin = base_ + first;
  return text_.substr(first, at_ - first);
}

void JsonCursor::finish() {
  white_space();
  if (at_ != text_.size()) fail("something follows the JSON");
}

}  // namespace avocado
