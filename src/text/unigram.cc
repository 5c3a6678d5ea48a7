#include "text/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "text/spm.h"
#include "text/unicode.h"

namespace avocado {

UnigramTokenizer::UnigramTokenizer(TokenizerParts parts, std::vector<double> scores,
                                   bool byte_fallback)
    : BasicTokenizer(std::move(parts)),
      scores_(std::move(scores)),
      byte_fallback_(byte_fallback),
      byte_ids_(find_byte_tokens(vocab_)) {
  if (unknown_ < 0) fail_input("{}: a unigram tokenizer needs an unknown token", name_);
  double lowest = 0;
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  for (int32_t id = 0; id < vocab_.size(); ++id) {
    const double score = scores_[static_cast<size_t>(id)];
    if (!std::isfinite(score)) fail_input("{}: the score of token {} is {}", name_, id, score);
    const TokenKind kind = vocab_.kind(id);
    if (kind == TokenKind::normal) lowest = std::min(lowest, score);
    if (kind == TokenKind::normal || kind == TokenKind::user_defined)
      pieces.emplace_back(vocab_.text[id], id);
  }
  constexpr double kUnknownPenalty = 10;  // SentencePiece's
  unknown_score_ = lowest - kUnknownPenalty;
  index_ = PrefixIndex(std::move(pieces));
}

std::string UnigramTokenizer::token_bytes(int32_t id, bool special) const {
  check_id(id);
  return sentencepiece_bytes(vocab_, id, special);
}

void UnigramTokenizer::encode_plain(std::string_view text, bool begins,
                                    std::vector<int32_t>& out) const {
  pre_tokenizer_.split(text, begins, [&](std::string_view piece) { encode_piece(piece, out); });
}

void UnigramTokenizer::encode_piece(std::string_view text, std::vector<int32_t>& out) const {
  // The best way to reach each place: its score, and the token that ends there.
  struct Best {
    double score = -std::numeric_limits<double>::infinity();
    size_t begin = 0;
    int32_t id = -1;
  };
  std::vector<Best> best(text.size() + 1);
  best[0].score = 0;
  const auto offer = [&](size_t begin, size_t length, int32_t id, double score) {
    Best& place = best[begin + length];
    if (best[begin].score + score > place.score) place = {best[begin].score + score, begin, id};
  };
  for (size_t at = 0; at < text.size();) {
    const auto character =
        static_cast<size_t>(unicode::decode(text.data() + at, text.data() + text.size()).length);
    bool known = false;
    index_.each_prefix(text.substr(at), [&](size_t length, int32_t id) {
      known = known || length == character;
      offer(at, length, id, scores_[static_cast<size_t>(id)]);
    });
    if (!known) offer(at, character, unknown_, unknown_score_);
    at += character;
  }
  const size_t start = out.size();
  for (size_t at = text.size(); at > 0; at = best[at].begin) {
    const Best& token = best[at];
    const auto bytes = text.substr(token.begin, at - token.begin);
    const auto has_token = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)] >= 0; };
    if (token.id != unknown_) {
      out.push_back(token.id);
    } else if (byte_fallback_ && std::all_of(bytes.begin(), bytes.end(), has_token)) {
      for (size_t i = bytes.size(); i-- > 0;)
        out.push_back(byte_ids_[static_cast<unsigned char>(bytes[i])]);
    } else if (out.size() == start || out.back() != unknown_) {
      out.push_back(unknown_);
    }
  }
  std::reverse(out.begin() + static_cast<std::ptrdiff_t>(start), out.end());
}

void UnigramTokenizer::write_model(GgufWriter& writer) const {
  writer.set_string("tokenizer.ggml.model", "t5");
  writer.set_string("tokenizer.ggml.pre", "default");
  using Kind = Normalizer::Kind;
  writer.set_bool("tokenizer.ggml.add_space_prefix", normalizer_.has(Kind::prepend));
  writer.set_bool("tokenizer.ggml.remove_extra_whitespaces",
                  normalizer_.has(Kind::collapse_spaces));
  if (const Charsmap* map = normalizer_.charsmap()) {
    const std::string& blob = map->blob();
    writer.set("tokenizer.ggml.precompiled_charsmap",
               GgufArray(std::vector<uint8_t>(blob.begin(), blob.end())));
  }
}

}  // namespace avocado
