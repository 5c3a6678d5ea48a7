#pragma once
// Regular expressions of ECMA-262 (Unicode mode, with the leniency of browsers about needless
// escapes). Not supported, and refused by name: back-references, look-behind, look-ahead other than
// at the beginning of an anchored pattern, flags, and Unicode properties other than general
// categories.

#include <string_view>
#include <vector>

#include "grammar/nfa.h"

namespace avocado::grammar {

struct RegexPattern {
  Expr expr;
  // Look-aheads at the beginning (after ^): the text must match, or must not match, from there.
  struct Ahead {
    Expr expr;
    bool negative;
  };
  std::vector<Ahead> ahead;
};

// Throws Error(usage) naming the pattern and the byte where it cannot be read.
RegexPattern parse_regex(std::string_view pattern);

// \d, \w, \s and their opposites, for classes in GBNF too; false for another letter.
bool class_escape(char letter, CodeSet& set);

}  // namespace avocado::grammar
