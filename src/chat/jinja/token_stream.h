#pragma once
// The tokens of a template, taken one after the other, and the nodes that are made of them.

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/lexer.h"
#include "chat/jinja/parser.h"

namespace avocado::jinja {

class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, Tree& made) : tree(made), tokens_(std::move(tokens)) {}

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool at(TokenKind kind) const { return now().kind == kind; }
  bool at_sign(std::string_view sign) const { return now().is(TokenKind::sign, sign); }
  bool at_name(std::string_view name) const { return now().is(TokenKind::name, name); }

  const Token& take() {
    const Token& token = now();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool skip_sign(std::string_view sign) { return at_sign(sign) && (take(), true); }
  bool skip_name(std::string_view name) { return at_name(name) && (take(), true); }
  void expect_sign(std::string_view sign) {
    if (!skip_sign(sign)) fail_expected(fmt::format("'{}'", sign));
  }
  std::string_view expect_name(std::string_view what) {
    if (!at(TokenKind::name)) fail_expected(what);
    return keep(take().text);
  }

  [[noreturn]] void fail(const std::string& message) const { throw Failure(message, now().line); }
  [[noreturn]] void fail_expected(std::string_view what) const {
    fail(fmt::format("{} is expected, not {}", what,
                     at(TokenKind::end)      ? "the end of the template"
                     : at(TokenKind::string) ? "a string"
                     : now().text.empty()    ? "a number"
                                             : fmt::format("'{}'", now().text)));
  }

  // Kept as long as the tree.
  std::string_view keep(const std::string& text) { return *tree.strings.insert(text).first; }

  // A level of nesting, as long as the result lives.
  struct Level {
    explicit Level(TokenStream& of) : stream(of) {
      if (++stream.depth_ > kMaxDepth)
        stream.fail(fmt::format("the template nests deeper than {} levels", kMaxDepth));
    }
    ~Level() { --stream.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    TokenStream& stream;
  };
  static constexpr int kMaxDepth = 400;

  // Macros whose body is being read: a use of caller, varargs or kwargs is theirs.
  std::vector<Macro*> macros;
  int loops = 0;  // around here, within the macro

  Tree& tree;

 private:
  const std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

// Expressions (parse_expression.cc).
const Expression* parse_expression(TokenStream& stream, bool conditional = true);
// One expression, or several with commas: a tuple. `end` is a name that ends it.
const Expression* parse_tuple(TokenStream& stream, bool conditional, std::string_view end = {});
// What follows a filter's `|`: one filter or a chain of them over `input`.
const Expression* parse_filters(TokenStream& stream, const Expression* input);
// Of {% for %} and {% set %}.
Target parse_target(TokenStream& stream, bool with_attribute);

}  // namespace avocado::jinja
