#pragma once
// GBNF, the grammar notation of llama.cpp:
//   name ::= alternatives        # a rule; the text begins with the rule `root`
//   "text" [a-z] [^"\\] . name ( ... )   with * + ? {n} {n,} {n,m} after any of them
//   <[1000]>                     the token of that number, whatever it stands for
// Escapes in texts and classes: \n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH.

#include <map>
#include <string>
#include <string_view>

#include "grammar/pushdown.h"

namespace avocado::grammar {

// What a rule stands for that a grammar names but does not define.
struct OutsideRule {
  // Any bytes, tokens included, in which none of `without` stands; or, with `hole`, the bytes that
  // hole_code gives for it: a place where something else reads on.
  std::vector<std::string> without = {};
  int hole = -1;
};
using OutsideRules = std::map<std::string, OutsideRule>;

inline constexpr uint8_t kHole = 0xfe;  // begins the code of a hole; no token's code has it
inline constexpr int kMostHoles = 1 << 12;
std::string hole_code(int hole);

// Throws Error(usage) with line and column for what cannot be read, for rules that are not defined
// or left-recursive, and for grammars that are too large.
Pushdown parse_gbnf(std::string_view grammar, const std::string& root,
                    const OutsideRules& outside = {});

}  // namespace avocado::grammar
