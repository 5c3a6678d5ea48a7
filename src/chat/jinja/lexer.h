#pragma once
// The source of a template as tokens, white space around tags already removed the way Jinja does it
// with trim_blocks and lstrip_blocks on and keep_trailing_newline off.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace avocado::jinja {

enum class TokenKind : uint8_t {
  data,   // text between tags, in `text`
  open,   // {{ or {%, in `text`
  close,  // }} or %}, in `text`
  name,
  string,  // unescaped, in `text`
  integer,
  real,
  sign,  // + - // ( [ == and the like, in `text`
  end
};

struct Token {
  TokenKind kind;
  uint32_t line;
  std::string text;
  int64_t integer = 0;
  double real = 0;

  bool is(TokenKind wanted, std::string_view spelled) const {
    return kind == wanted && text == spelled;
  }
};

// The last token is `end`. Throws Failure with its line.
std::vector<Token> tokenize(std::string_view source);

}  // namespace avocado::jinja
