#pragma once
// SentencePiece's unigram model: the segmentation of the highest probability, by Viterbi's
// algorithm (Kudo, 2018).

#include <array>

#include "text/basic_tokenizer.h"

namespace avocado {

class UnigramTokenizer final : public BasicTokenizer {
 public:
  // `scores`: log probabilities by id. With `byte_fallback` unknown characters become the tokens of
  // their bytes, where there are such; otherwise neighbouring ones become one unknown token.
  UnigramTokenizer(TokenizerParts parts, std::vector<double> scores, bool byte_fallback);

  std::string token_bytes(int32_t id, bool special = false) const override;
  std::string_view type_name() const override { return "unigram"; }

 protected:
  void encode_plain(std::string_view text, bool begins, std::vector<int32_t>& out) const override;
  void write_model(GgufWriter& writer) const override;

 private:
  void encode_piece(std::string_view text, std::vector<int32_t>& out) const;

  std::vector<double> scores_;
  double unknown_score_;
  PrefixIndex index_;
  bool byte_fallback_;
  std::array<int32_t, 256> byte_ids_;
};

}  // namespace avocado
