#pragma once
// GBNF, the grammar notation of llama.cpp:
//   name ::= alternatives        # a rule; the text begins with the rule `root`
//   "text" [a-z] [^"\\] . name ( ... )   with * + ? {n} {n,} {n,m} after any of them
// Escapes in texts and classes: \n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH.

#include <string>
#include <string_view>

#include "grammar/pushdown.h"

namespace avocado::grammar {

// Throws Error(usage) with line and column for what cannot be read, for rules that are not defined
// or left-recursive, and for grammars that are too large.
Pushdown parse_gbnf(std::string_view grammar, const std::string& root);

}  // namespace avocado::grammar
