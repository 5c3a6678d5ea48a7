#pragma once
// Byte-pair encoding over characters, with the bytes of unknown characters as tokens: SentencePiece
// models of type BPE (Llama 1 and 2, Mistral, Phi-3), and their Hugging Face form, where merges are
// listed instead of following from scores.

#include <array>

#include "text/basic_tokenizer.h"
#include "text/merges.h"
#include "text/word_cache.h"

namespace avocado {

class SpmTokenizer final : public BasicTokenizer {
 public:
  // Merges follow from the scores of the vocabulary: any two neighbours whose spellings together
  // are a token may merge, the highest score first.
  static std::unique_ptr<SpmTokenizer> from_scores(TokenizerParts parts);
  // Merges by rank. `fuse_unknown`: neighbouring unknown characters become one unknown token.
  static std::unique_ptr<SpmTokenizer> from_merges(TokenizerParts parts, std::vector<Merge> merges,
                                                   bool fuse_unknown, bool byte_fallback,
                                                   bool ignore_merges);

  std::string token_bytes(int32_t id, bool special = false) const override;
  std::string_view type_name() const override { return "spm"; }

 protected:
  void encode_plain(std::string_view text, bool begins, std::vector<int32_t>& out) const override;
  void write_model(GgufWriter& writer) const override;

 private:
  struct Options {
    bool fuse_unknown, byte_fallback, ignore_merges;
  };
  SpmTokenizer(TokenizerParts parts, std::vector<Merge> merges, StringTable extra,
               const Options& options);

  int32_t symbol(std::string_view character) const;
  void encode_word(std::string_view word, WordCache& cache, std::vector<int32_t>& symbols,
                   std::vector<int32_t>& out) const;
  void push_unknown(std::string_view character, std::vector<int32_t>& symbols) const;

  StringTable
      extra_;  // characters that occur in tokens without being tokens: ids from vocab_size() on
  MergeTable table_;
  Options options_;
  bool split_at_spaces_;  // no merge reaches from a word into the space before the next
  std::array<int32_t, 256> byte_ids_;
  std::array<int32_t, 128> ascii_;  // symbols of ASCII characters
};

// The token of each byte ("<0x0A>"), -1 where there is none.
std::array<int32_t, 256> find_byte_tokens(const Vocab& vocab);

inline constexpr std::string_view kSpaceMark =
    "\xe2\x96\x81";  // U+2581, a space in SentencePiece's vocabularies

// What a SentencePiece token stands for: its byte, or its spelling with spaces for kSpaceMark.
std::string sentencepiece_bytes(const Vocab& vocab, int32_t id, bool special);

}  // namespace avocado
