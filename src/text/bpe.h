#pragma once
// Byte-level byte-pair encoding (GPT-2 and after): every byte has a printable character, tokens are
// spelled in those characters, and merges stay within the pre-tokenizer's pieces. Nothing is lost:
// decoding what was encoded gives the same bytes, be they UTF-8 or not, when the vocabulary holds
// all 256 bytes.

#include <array>

#include "text/basic_tokenizer.h"
#include "text/merges.h"
#include "text/word_cache.h"

namespace avocado {

// The character that stands for a byte in a vocabulary, in UTF-8, and back (-1: for none).
std::string_view byte_spelling(uint8_t byte);
int byte_of_spelling(uint32_t code_point);
// The bytes a spelling stands for; false when a character of it stands for none.
bool unspell_bytes(std::string_view spelling, std::string& bytes);

class BpeTokenizer final : public BasicTokenizer {
 public:
  // Merges by rank. With `ignore_merges` a piece that is a token as a whole becomes that token.
  BpeTokenizer(TokenizerParts parts, std::vector<Merge> merges, bool ignore_merges);

  std::string token_bytes(int32_t id, bool special = false) const override;
  std::string_view type_name() const override { return "bpe"; }

 protected:
  void encode_plain(std::string_view text, bool begins, std::vector<int32_t>& out) const override;
  void write_model(GgufWriter& writer) const override;

 private:
  void encode_word(std::string_view word, WordCache& cache, std::vector<int32_t>& symbols,
                   std::vector<int32_t>& out) const;

  std::vector<Merge> merges_;  // in order of rank, for writing
  MergeTable table_;
  bool ignore_merges_;
  StringTable bytes_;  // what each token stands for; indexed for ignore_merges
  std::array<int32_t, 256> byte_ids_;
};

}  // namespace avocado
