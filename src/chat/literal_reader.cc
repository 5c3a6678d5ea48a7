#include "chat/literal_reader.h"

#include <fmt/format.h>

#include "chat/space.h"

namespace avocado::chat {
namespace {

constexpr size_t kMaxDepth = 64;

bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_letter(unsigned char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

// Value of a hexadecimal digit, or -1.
int hex_value(unsigned char c) {
  if (is_digit(c)) return c - '0';
  const int low = c | 0x20;
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\'' && c != '\\';
}

}  // namespace

void append_escaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += static_cast<char>(c);
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      if (c < 0x20) {
        out += fmt::format("\\u{:04x}", c);
      } else {
        out += static_cast<char>(c);
      }
  }
}

size_t LiteralReader::read(std::string_view text, std::string& out) {
  size_t at = 0;
  while (at < text.size() && state_ == State::open) {
    if (place_ == Place::string && !escaped_ && hex_left_ == 0 && high_ == 0 && utf8_.whole()) {
      const size_t begin = at;
      while (at < text.size() && is_plain(static_cast<unsigned char>(text[at]))) ++at;
      out.append(text, begin, at - begin);
      if (at == text.size()) break;
    }
    if (step(static_cast<unsigned char>(text[at]), out)) ++at;
  }
  return at;
}

LiteralReader::State LiteralReader::finish(std::string& out) {
  if (state_ == State::open && closers_.empty()) {
    if (place_ == Place::number) end_number();
    if (place_ == Place::word) end_word(out);
  }
  if (state_ == State::open) state_ = State::failed;
  return state_;
}

// One byte. A number or word that has ended leaves the byte for the next step.
bool LiteralReader::step(unsigned char c, std::string& out) {
  switch (place_) {
    case Place::string:
      return in_string(c, out);
    case Place::number:
      if (!in_number(c)) return end_number() && false;
      out += static_cast<char>(c);
      return true;
    case Place::word:
      if (!is_letter(c)) return end_word(out) && false;
      word_ += static_cast<char>(c);
      return word_.size() <= 5 || fail();
    default:
      break;
  }
  if (is_space(static_cast<char>(c))) {
    (separator_.empty() ? out : separator_) += static_cast<char>(c);
    return true;
  }
  switch (place_) {
    case Place::first_value:
      if (c == static_cast<unsigned char>(closers_.back())) return close(out);
      return begin_value(c, out);
    case Place::value:
      if (!separator_.empty() && c == static_cast<unsigned char>(closers_.back()))
        return close(out);
      return begin_value(c, out);
    case Place::first_key:
    case Place::key:
      if (c == '}') return close(out);
      if (c != '"' && c != '\'') return fail();
      is_key_ = true;
      return begin_value(c, out);
    case Place::colon:
      if (c != ':') return fail();
      out += ':';
      place_ = Place::value;
      return true;
    default:  // after a value in a bracket
      if (c == static_cast<unsigned char>(closers_.back())) return close(out);
      if (c != ',') return fail();
      separator_.assign(1, ',');
      place_ = closers_.back() == '}' ? Place::key : Place::value;
      return true;
  }
}

bool LiteralReader::begin_value(unsigned char c, std::string& out) {
  if (c == '{' || c == '[' || c == '(') {
    if (closers_.size() == kMaxDepth) return fail();
    put_separator(out);
    closers_ += c == '{' ? '}' : c == '[' ? ']' : ')';
    out += c == '{' ? '{' : '[';
    place_ = c == '{' ? Place::first_key : Place::first_value;
  } else if (c == '"' || c == '\'') {
    put_separator(out);
    out += '"';
    quote_ = static_cast<char>(c);
    place_ = Place::string;
  } else if (c == '-' || is_digit(c)) {
    put_separator(out);
    out += static_cast<char>(c);
    number_ = c == '-' ? Number::minus : c == '0' ? Number::zero : Number::digits;
    place_ = Place::number;
  } else if (is_letter(c)) {
    put_separator(out);
    word_.assign(1, static_cast<char>(c));
    place_ = Place::word;
  } else {
    return fail();
  }
  if (opening_ == '\0') opening_ = static_cast<char>(c);
  return true;
}

bool LiteralReader::close(std::string& out) {
  // A comma before the bracket is dropped, the white space after it is kept.
  if (!separator_.empty()) out.append(separator_, 1);
  separator_.clear();
  out += closers_.back() == '}' ? '}' : ']';
  closers_.pop_back();
  end_value();
  return true;
}

void LiteralReader::end_value() {
  if (closers_.empty()) {
    state_ = State::done;
  } else {
    place_ = is_key_ ? Place::colon : Place::after;
    is_key_ = false;
  }
}

void LiteralReader::put_separator(std::string& out) {
  out += separator_;
  separator_.clear();
}

bool LiteralReader::in_string(unsigned char c, std::string& out) {
  if (hex_left_ > 0 || escaped_) return in_escape(c, out);
  if (!utf8_.whole() || c >= 0x80) {
    if (utf8_.whole()) put_lone_surrogate(out);
    if (!utf8_.push(c)) return fail();
    out += static_cast<char>(c);
    return true;
  }
  if (c == '\\') {
    escaped_ = true;
    return true;
  }
  put_lone_surrogate(out);
  if (c == static_cast<unsigned char>(quote_)) {
    out += '"';
    end_value();
  } else {
    append_escaped(out, c);
  }
  return true;
}

// What follows a backslash; an escape that neither language knows stands for itself.
bool LiteralReader::in_escape(unsigned char c, std::string& out) {
  if (hex_left_ > 0) {
    const int digit = hex_value(c);
    if (digit < 0) return fail();
    hex_ = hex_ << 4 | static_cast<uint32_t>(digit);
    if (--hex_left_ == 0) put_code_point(hex_, out);
    return true;
  }
  escaped_ = false;
  if (c == 'u' || c == 'x' || c == 'U') {
    hex_ = 0;
    hex_left_ = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    return true;
  }
  put_lone_surrogate(out);
  if (std::string_view("\"\\/bfnrt").find(static_cast<char>(c)) != std::string_view::npos) {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c == '\'') {
    out += '\'';
  } else if (c == 'a' || c == 'v') {
    out += c == 'a' ? "\\u0007" : "\\u000b";
  } else if (c == '\n') {  // Python: the line goes on
  } else {
    out += "\\\\";
    return in_string(c, out);
  }
  return true;
}

void LiteralReader::put_code_point(uint32_t code, std::string& out) {
  if (high_ != 0 && code >= 0xdc00 && code < 0xe000) {
    out += fmt::format("\\u{:04x}\\u{:04x}", high_, code);
    high_ = 0;
    return;
  }
  put_lone_surrogate(out);
  if (code >= 0xd800 && code < 0xdc00) {
    high_ = code;
  } else if ((code >= 0xdc00 && code < 0xe000) || code > 0x10ffff) {
    out += "\\ufffd";
  } else if (code >= 0x10000) {
    out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((code - 0x10000) >> 10),
                       0xdc00 + ((code - 0x10000) & 0x3ff));
  } else {
    out += fmt::format("\\u{:04x}", code);
  }
}

// Half a surrogate pair is no character.
void LiteralReader::put_lone_surrogate(std::string& out) {
  if (high_ != 0) out += "\\ufffd";
  high_ = 0;
}

// Whether `c` goes on with the number (RFC 8259).
bool LiteralReader::in_number(unsigned char c) {
  const bool exponent = c == 'e' || c == 'E';
  switch (number_) {
    case Number::minus:
      if (!is_digit(c)) return false;
      number_ = c == '0' ? Number::zero : Number::digits;
      return true;
    case Number::zero:
    case Number::digits:
      if (number_ == Number::digits && is_digit(c)) return true;
      if (c != '.' && !exponent) return false;
      number_ = exponent ? Number::exponent : Number::dot;
      return true;
    case Number::dot:
    case Number::fraction:
      if (!is_digit(c) && !(exponent && number_ == Number::fraction)) return false;
      number_ = exponent ? Number::exponent : Number::fraction;
      return true;
    case Number::exponent:
      if (!is_digit(c) && c != '+' && c != '-') return false;
      number_ = is_digit(c) ? Number::power : Number::sign;
      return true;
    default:
      if (!is_digit(c)) return false;
      number_ = Number::power;
      return true;
  }
}

bool LiteralReader::end_number() {
  const bool whole = number_ == Number::zero || number_ == Number::digits ||
                     number_ == Number::fraction || number_ == Number::power;
  if (!whole) return fail();
  end_value();
  return true;
}

bool LiteralReader::end_word(std::string& out) {
  if (word_ == "true" || word_ == "True") {
    out += "true";
  } else if (word_ == "false" || word_ == "False") {
    out += "false";
  } else if (word_ == "null" || word_ == "None") {
    out += "null";
  } else {
    return fail();
  }
  end_value();
  return true;
}

bool LiteralReader::fail() {
  state_ = State::failed;
  return false;
}

std::string literal_to_json(std::string_view text) {
  LiteralReader reader;
  std::string out;
  text = trim_space(text);
  const size_t taken = reader.read(text, out);
  if (taken != text.size() || reader.finish(out) != LiteralReader::State::done) return "";
  return out;
}

}  // namespace avocado::chat
