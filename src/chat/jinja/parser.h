#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>

#include "chat/jinja/ast.h"

namespace avocado::jinja {

// The tree of a template and the memory of all its nodes.
struct Tree {
  Body body;
  std::deque<Expression> expressions;
  std::deque<Statement> statements;
  std::deque<Macro> macros;
  std::deque<For> loops;
  std::deque<Text> texts;
  std::unordered_set<std::string> strings;  // names, literals, text between tags
};

// Throws Failure with its line. Nesting is bounded.
void parse(std::string_view source, Tree& tree);

}  // namespace avocado::jinja
