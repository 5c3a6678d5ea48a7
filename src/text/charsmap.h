#pragma once
// SentencePiece's precompiled character map: replaces the longest strings it knows. Layout: the
// size of a double-array trie (u32), the trie's units (u32 each), then the replacements, each ended
// by 0.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace avocado {

class Charsmap {
 public:
  // Throws Error(input) naming `where` when the sizes do not fit.
  Charsmap(std::string_view blob, const std::string& where);
  Charsmap(const Charsmap&) = delete;
  Charsmap& operator=(const Charsmap&) = delete;

  // The longest key that `text` begins with: its length (0: none) and what replaces it.
  size_t longest_prefix(std::string_view text, std::string_view& replacement) const;
  std::string apply(std::string_view text) const;

  const std::string& blob() const { return blob_; }

 private:
  std::string blob_;
  std::vector<uint32_t> units_;
  std::string_view replacements_;
};

}  // namespace avocado
