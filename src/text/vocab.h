#pragma once
// A tokenizer's vocabulary: for each id its spelling, its kind and its score.

#include <string_view>
#include <vector>

#include "text/string_table.h"
#include "text/tokenizer.h"

namespace avocado {

struct Vocab {
  StringTable text;
  std::vector<TokenKind> kinds;
  std::vector<float> scores;  // empty when the model has none

  void add(std::string_view spelling, TokenKind kind) {
    text.add(spelling);
    kinds.push_back(kind);
  }
  int32_t size() const { return text.size(); }
  TokenKind kind(int32_t id) const { return kinds[static_cast<size_t>(id)]; }
  // Control and unknown tokens are never spelled by plain text.
  bool is_special(int32_t id) const {
    return kind(id) == TokenKind::control || kind(id) == TokenKind::unknown;
  }
  // Indexes the spellings. Throws Error(input) naming `name` when two ids have one spelling.
  void build_index(std::string_view name);
};

// The byte of a token spelled "<0x0A>", -1 for any other spelling.
int byte_of_hex_token(std::string_view spelling);
// "<0x0A>" for 10.
std::string hex_token(int byte);

}  // namespace avocado
