#pragma once
// WordPiece (BERT and embedding models after it): each word is cut into the longest tokens from
// left to right; a word that cannot be is one unknown token.

#include "text/basic_tokenizer.h"

namespace avocado {

class WordPieceTokenizer final : public BasicTokenizer {
 public:
  // How a vocabulary tells tokens that begin a word from those that continue one.
  struct Spelling {
    std::string_view begins;  // before a token that begins a word (GGUF: U+2581)
    std::string_view
        continues;  // before one that continues it (tokenizer.json: "##"); one of the two is empty
  };
  static constexpr Spelling kGguf{"\xe2\x96\x81", ""};
  static constexpr Spelling kHuggingFace{"", "##"};

  // Words of more than `longest_word` characters are unknown.
  WordPieceTokenizer(TokenizerParts parts, const Spelling& spelling, size_t longest_word);

  std::string token_bytes(int32_t id, bool special = false) const override;
  std::string_view type_name() const override { return "wordpiece"; }

 protected:
  void encode_plain(std::string_view text, bool begins, std::vector<int32_t>& out) const override;
  void write_model(GgufWriter& writer) const override;
  std::string written_text(int32_t id) const override;

 private:
  // A token's text without its mark, and whether it begins a word.
  std::pair<std::string_view, bool> unmark(int32_t id) const;

  Spelling spelling_;
  size_t longest_word_;
  PrefixIndex begins_, continues_;
};

// BERT's normalizer and word splitting.
void add_bert_normalizer(Normalizer& normalizer, bool clean, bool chinese, bool strip_accents,
                         bool lowercase);
void add_bert_splits(PreTokenizer& pre_tokenizer);

}  // namespace avocado
