#include "text/spm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "text/unicode.h"

namespace avocado {
namespace {

// Control, unknown and byte tokens are not spelled by text, so merges never make them.
bool can_merge(const Vocab& vocab, int32_t id) {
  return !vocab.is_special(id) && vocab.kind(id) != TokenKind::byte;
}

template <class Visit>
void each_character(std::string_view text, Visit&& visit) {
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const auto length = static_cast<size_t>(unicode::decode(p, end).length);
    visit(std::string_view(p, length));
    p += length;
  }
}

// Ranks by descending score, equal for equal scores.
std::vector<uint32_t> ranks_of_scores(const Vocab& vocab) {
  std::vector<int32_t> order(static_cast<size_t>(vocab.size()));
  std::iota(order.begin(), order.end(), 0);
  const auto score = [&](int32_t id) { return vocab.scores[static_cast<size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return score(a) > score(b); });
  std::vector<uint32_t> ranks(order.size());
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && score(order[i]) < score(order[i - 1])) ++rank;
    ranks[static_cast<size_t>(order[i])] = rank;
  }
  return ranks;
}

}  // namespace

std::array<int32_t, 256> find_byte_tokens(const Vocab& vocab) {
  std::array<int32_t, 256> ids;
  for (int byte = 0; byte < 256; ++byte)
    ids[static_cast<size_t>(byte)] = vocab.text.find(hex_token(byte));
  return ids;
}

std::string sentencepiece_bytes(const Vocab& vocab, int32_t id, bool special) {
  const std::string_view text = vocab.text[id];
  switch (vocab.kind(id)) {
    case TokenKind::control:
    case TokenKind::unknown:
      return special ? std::string(text) : std::string();
    case TokenKind::user_defined:
      return std::string(text);
    case TokenKind::byte: {
      const int byte = byte_of_hex_token(text);
      if (byte >= 0) return std::string(1, static_cast<char>(byte));
      break;
    }
    default:
      break;
  }
  std::string bytes;
  size_t done = 0;
  for (size_t at; (at = text.find(kSpaceMark, done)) != std::string_view::npos;
       done = at + kSpaceMark.size()) {
    bytes += text.substr(done, at - done);
    bytes += ' ';
  }
  bytes += text.substr(done);
  return bytes;
}

SpmTokenizer::SpmTokenizer(TokenizerParts parts, std::vector<Merge> merges, StringTable extra,
                           const Options& options)
    : BasicTokenizer(std::move(parts)),
      extra_(std::move(extra)),
      table_(merges),
      options_(options),
      byte_ids_(find_byte_tokens(vocab_)) {
  const auto space_inside = [&](int32_t id) {
    const std::string_view text = vocab_.text[id];
    const size_t word = [&] {
      size_t i = 0;
      while (text.substr(i).starts_with(kSpaceMark)) i += kSpaceMark.size();
      return i;
    }();
    return text.find(kSpaceMark, word) != std::string_view::npos;
  };
  split_at_spaces_ = !options_.ignore_merges && symbol(kSpaceMark) >= 0 &&
                     std::none_of(merges.begin(), merges.end(),
                                  [&](const Merge& m) { return space_inside(m.merged); });
  for (char c = 0; c >= 0 && c < 127; ++c) ascii_[static_cast<size_t>(c)] = symbol({&c, 1});
  const char last = 127;
  ascii_[127] = symbol({&last, 1});
}

std::unique_ptr<SpmTokenizer> SpmTokenizer::from_scores(TokenizerParts parts) {
  const Vocab& vocab = parts.vocab;
  for (float score : vocab.scores)
    if (std::isnan(score)) fail_input("{}: tokenizer.ggml.scores holds a NaN", parts.name);
  // Characters first: each that is no token itself becomes an extra symbol.
  StringTable extra;
  {
    std::vector<std::string> characters;
    for (int32_t id = 0; id < vocab.size(); ++id) {
      if (!can_merge(vocab, id)) continue;
      each_character(vocab.text[id], [&](std::string_view c) {
        const int32_t token = vocab.text.find(c);
        if (token < 0 || !can_merge(vocab, token)) characters.emplace_back(c);
      });
    }
    std::sort(characters.begin(), characters.end());
    characters.erase(std::unique(characters.begin(), characters.end()), characters.end());
    for (const std::string& c : characters) extra.add(c);
    extra.build_index([](int32_t) { return true; });
  }
  const auto find = [&](std::string_view text) {
    const int32_t id = vocab.text.find(text);
    if (id >= 0 && can_merge(vocab, id)) return id;
    const int32_t other = extra.find(text);
    return other < 0 ? -1 : vocab.size() + other;
  };
  const std::vector<uint32_t> ranks = ranks_of_scores(vocab);
  std::vector<Merge> merges;
  for (int32_t id = 0; id < vocab.size(); ++id) {
    if (!can_merge(vocab, id)) continue;
    const std::string_view text = vocab.text[id];
    // Longer ones would make a hostile vocabulary cost the square of its size.
    constexpr size_t kLongest = 1024;
    if (text.size() > kLongest)
      fail_input("{}: token {} has {} bytes; at most {} are supported", parts.name, id, text.size(),
                 kLongest);
    size_t at = 0;
    each_character(text, [&](std::string_view c) {
      at += c.size();
      if (at == text.size()) return;
      const int32_t left = find(text.substr(0, at)), right = find(text.substr(at));
      if (left < 0 || right < 0) return;
      constexpr size_t kMost = size_t{1} << 21;  // a vocabulary of 256k tokens has under a million
      if (merges.size() == kMost)
        fail_input("{}: the vocabulary's tokens can be put together in more than {} ways",
                   parts.name, kMost);
      merges.push_back({left, right, id, ranks[static_cast<size_t>(id)]});
    });
  }
  const Options options{.fuse_unknown = false, .byte_fallback = true, .ignore_merges = false};
  return std::unique_ptr<SpmTokenizer>(
      new SpmTokenizer(std::move(parts), std::move(merges), std::move(extra), options));
}

std::unique_ptr<SpmTokenizer> SpmTokenizer::from_merges(TokenizerParts parts,
                                                        std::vector<Merge> merges,
                                                        bool fuse_unknown, bool byte_fallback,
                                                        bool ignore_merges) {
  const Options options{fuse_unknown, byte_fallback, ignore_merges};
  return std::unique_ptr<SpmTokenizer>(
      new SpmTokenizer(std::move(parts), std::move(merges), {}, options));
}

std::string SpmTokenizer::token_bytes(int32_t id, bool special) const {
  check_id(id);
  return sentencepiece_bytes(vocab_, id, special);
}

int32_t SpmTokenizer::symbol(std::string_view character) const {
  const int32_t id = vocab_.text.find(character);
  if (id >= 0 && can_merge(vocab_, id)) return id;
  const int32_t other = extra_.find(character);
  return other < 0 ? -1 : vocab_.size() + other;
}

void SpmTokenizer::encode_plain(std::string_view text, bool begins,
                                std::vector<int32_t>& out) const {
  WordCache cache(pre_tokenizer_.rewrites() ? std::string_view() : text, out);
  std::vector<int32_t> symbols;
  pre_tokenizer_.split(text, begins, [&](std::string_view piece) {
    while (split_at_spaces_ && !piece.empty()) {
      // A word with the spaces before it.
      size_t end = 0;
      while (piece.substr(end).starts_with(kSpaceMark)) end += kSpaceMark.size();
      end = std::min(piece.find(kSpaceMark, end), piece.size());
      encode_word(piece.substr(0, end), cache, symbols, out);
      piece.remove_prefix(end);
    }
    if (!piece.empty()) encode_word(piece, cache, symbols, out);
  });
}

// Unknown characters as their bytes, or as the unknown token.
void SpmTokenizer::push_unknown(std::string_view character, std::vector<int32_t>& ids) const {
  const auto byte_id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  if (options_.byte_fallback &&
      std::all_of(character.begin(), character.end(), [&](char c) { return byte_id(c) >= 0; })) {
    for (char c : character) ids.push_back(byte_id(c));
  } else if (unknown_ >= 0 && !(options_.fuse_unknown && !ids.empty() && ids.back() == unknown_)) {
    ids.push_back(unknown_);
  }
}

void SpmTokenizer::encode_word(std::string_view word, WordCache& cache,
                               std::vector<int32_t>& symbols, std::vector<int32_t>& out) const {
  const uint64_t hash = hash_bytes(word);
  if (cache.copy(word, hash, out)) return;
  const size_t begin = out.size();
  const int32_t whole = options_.ignore_merges ? vocab_.text.find(word, hash) : -1;
  if (whole >= 0 && can_merge(vocab_, whole)) {
    out.push_back(whole);
  } else {
    symbols.clear();
    each_character(word, [&](std::string_view c) {
      const auto first = static_cast<unsigned char>(c[0]);
      const int32_t id = first < 128 ? ascii_[first] : symbol(c);
      if (id >= 0) {
        symbols.push_back(id);
      } else {
        push_unknown(c, symbols);
      }
    });
    table_.apply(symbols);
    for (int32_t id : symbols) {
      if (id < vocab_.size()) {
        out.push_back(id);
      } else {
        push_unknown(extra_[id - vocab_.size()], out);
      }
    }
  }
  cache.store(word, hash, begin, out);
}

void SpmTokenizer::write_model(GgufWriter& writer) const {
  writer.set_string("tokenizer.ggml.model", "llama");
  writer.set_string("tokenizer.ggml.pre", "default");
}

}  // namespace avocado
