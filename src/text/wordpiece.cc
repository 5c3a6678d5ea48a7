#include "text/wordpiece.h"

#include "base/error.h"
#include "text/patterns.h"
#include "text/unicode.h"

namespace avocado {

void add_bert_normalizer(Normalizer& normalizer, bool clean, bool chinese, bool strip_accents,
                         bool lowercase) {
  using Kind = Normalizer::Kind;
  if (clean) normalizer.add({Kind::clean});
  if (chinese) normalizer.add({Kind::space_around_chinese});
  if (strip_accents) {
    normalizer.add({Kind::nfd});
    normalizer.add({Kind::strip_accents});
  }
  if (lowercase) normalizer.add({Kind::lowercase});
}

void add_bert_splits(PreTokenizer& pre_tokenizer) {
  pre_tokenizer.add_split(patterns::kWhiteSpace, "BERT's pre-tokenizer", SplitBehavior::removed);
  pre_tokenizer.add_split(patterns::kPunctuation, "BERT's pre-tokenizer");
}

WordPieceTokenizer::WordPieceTokenizer(TokenizerParts parts, const Spelling& spelling,
                                       size_t longest_word)
    : BasicTokenizer(std::move(parts)), spelling_(spelling), longest_word_(longest_word) {
  if (unknown_ < 0) fail_input("{}: a WordPiece tokenizer needs an unknown token", name_);
  std::vector<std::pair<std::string_view, int32_t>> begins, continues;
  for (int32_t id = 0; id < vocab_.size(); ++id) {
    if (vocab_.is_special(id)) continue;
    const auto [text, first] = unmark(id);
    (first ? begins : continues).emplace_back(text, id);
  }
  begins_ = PrefixIndex(std::move(begins));
  continues_ = PrefixIndex(std::move(continues));
}

std::pair<std::string_view, bool> WordPieceTokenizer::unmark(int32_t id) const {
  std::string_view text = vocab_.text[id];
  const bool begins_marked = !spelling_.begins.empty();
  const std::string_view mark = begins_marked ? spelling_.begins : spelling_.continues;
  const bool marked = text.starts_with(mark);
  if (marked) text.remove_prefix(mark.size());
  return {text, marked == begins_marked};
}

std::string WordPieceTokenizer::token_bytes(int32_t id, bool special) const {
  check_id(id);
  if (vocab_.is_special(id)) return special ? std::string(vocab_.text[id]) : std::string();
  const auto [text, begins] = unmark(id);
  return begins ? fmt::format(" {}", text) : std::string(text);
}

void WordPieceTokenizer::encode_plain(std::string_view text, bool begins,
                                      std::vector<int32_t>& out) const {
  pre_tokenizer_.split(text, begins, [&](std::string_view word) {
    const size_t start = out.size();
    size_t characters = 0;
    for (const char *p = word.data(), *end = p + word.size(); p != end; ++characters)
      p += unicode::decode(p, end).length;
    bool known = characters <= longest_word_;
    for (size_t at = 0; known && at < word.size();) {
      const auto [length, id] = (at == 0 ? begins_ : continues_).longest_prefix(word.substr(at));
      known = length > 0;
      if (known) out.push_back(id);
      at += length;
    }
    if (known) return;
    out.resize(start);
    out.push_back(unknown_);
  });
}

std::string WordPieceTokenizer::written_text(int32_t id) const {
  if (vocab_.is_special(id)) return std::string(vocab_.text[id]);
  const auto [text, begins] = unmark(id);
  return fmt::format("{}{}", begins ? kGguf.begins : kGguf.continues, text);
}

void WordPieceTokenizer::write_model(GgufWriter& writer) const {
  writer.set_string("tokenizer.ggml.model", "bert");
  const auto set_only = [&](std::string_view key, const std::vector<int32_t>& ids) {
    if (ids.size() == 1) writer.set_u32(key, static_cast<uint32_t>(ids[0]));
  };
  set_only("tokenizer.ggml.cls_token_id", prefix_);
  set_only("tokenizer.ggml.seperator_token_id", suffix_);  // spelled so in GGUF
  writer.set_bool("tokenizer.ggml.normalizer.lowercase",
                  normalizer_.has(Normalizer::Kind::lowercase));
  writer.set_bool("tokenizer.ggml.normalizer.strip_accents",
                  normalizer_.has(Normalizer::Kind::strip_accents));
}

}  // namespace avocado
