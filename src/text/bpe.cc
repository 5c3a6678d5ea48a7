#include "text/bpe.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"

namespace avocado {
namespace {

struct ByteAlphabet {
  std::array<std::string, 256> spelling;
  std::array<int, 512> byte;

  // GPT-2's rule: printable bytes of Latin-1 are themselves, the others follow from U+0100 on.
  ByteAlphabet() {
    byte.fill(-1);
    uint32_t next = 256;
    for (uint32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      const uint32_t c = printable ? b : next++;
      unicode::append_utf8(c, spelling[b]);
      byte[c] = static_cast<int>(b);
    }
  }
};

const ByteAlphabet& alphabet() {
  static const ByteAlphabet instance;
  return instance;
}

}  // namespace

std::string_view byte_spelling(uint8_t byte) { return alphabet().spelling[byte]; }

int byte_of_spelling(uint32_t code_point) {
  return code_point < 512 ? alphabet().byte[code_point] : -1;
}

bool unspell_bytes(std::string_view spelling, std::string& bytes) {
  bytes.clear();
  for (const char *p = spelling.data(), *end = p + spelling.size(); p != end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    const int byte = d.valid ? byte_of_spelling(d.code_point) : -1;
    if (byte < 0) return false;
    bytes.push_back(static_cast<char>(byte));
    p += d.length;
  }
  return true;
}

BpeTokenizer::BpeTokenizer(TokenizerParts parts, std::vector<Merge> merges, bool ignore_merges)
    : BasicTokenizer(std::move(parts)),
      merges_(std::move(merges)),
      table_(merges_),
      ignore_merges_(ignore_merges) {
  std::string bytes;
  for (int32_t id = 0; id < vocab_.size(); ++id) {
    const std::string_view text = vocab_.text[id];
    bytes_.add(vocab_.kind(id) == TokenKind::normal && unspell_bytes(text, bytes)
                   ? std::string_view(bytes)
                   : text);
  }
  if (ignore_merges_) bytes_.build_index([&](int32_t id) { return !vocab_.is_special(id); });
  for (size_t b = 0; b < 256; ++b) {
    const int32_t id = vocab_.text.find(byte_spelling(static_cast<uint8_t>(b)));
    // Some vocabularies have the letter as a token of its own instead of the byte.
    byte_ids_[b] = id >= 0 && vocab_.kind(id) == TokenKind::normal ? id : -1;
  }
  find_whole_characters();
}

// Starting from a character's token instead of its bytes spares most of the merges of Japanese or
// Russian text. It is exact where the bytes are sure to become the token before anything else can
// happen to them or to it: with R the highest rank among the merges that make it, every rule that
// joins a neighbour to the first or last symbol on the way, or to the finished token, ranks after
// R.
void BpeTokenizer::find_whole_characters() {
  characters_.assign(0x10000, -1);
  const auto size = static_cast<size_t>(vocab_.size());
  constexpr uint32_t kNever = ~uint32_t{0};
  std::vector<uint32_t> as_left(size, kNever),
      as_right(size, kNever);  // the first rule with it on that side
  for (const Merge& merge : merges_) {
    uint32_t& left = as_left[static_cast<size_t>(merge.left)];
    uint32_t& right = as_right[static_cast<size_t>(merge.right)];
    left = std::min(left, merge.rank);
    right = std::min(right, merge.rank);
  }
  std::vector<int32_t> symbols;
  for (int32_t id = 0; id < vocab_.size(); ++id) {
    const std::string_view bytes = bytes_[id];
    if (bytes.size() < 2 || bytes.size() > 3 || vocab_.kind(id) != TokenKind::normal) continue;
    const unicode::Decoded d = unicode::decode(bytes.data(), bytes.data() + bytes.size());
    if (!d.valid || static_cast<size_t>(d.length) != bytes.size()) continue;
    symbols.clear();
    for (char c : bytes) symbols.push_back(byte_ids_[static_cast<unsigned char>(c)]);
    uint32_t highest = 0, neighbours = kNever;
    const auto see_neighbours = [&] {
      neighbours = std::min({neighbours, as_right[static_cast<size_t>(symbols.front())],
                             as_left[static_cast<size_t>(symbols.back())]});
    };
    bool whole =
        std::none_of(symbols.begin(), symbols.end(), [](int32_t symbol) { return symbol < 0; });
    while (whole && symbols.size() > 1) {
      see_neighbours();
      const MergeTable::Slot* best = nullptr;
      size_t at = 0;
      for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        const MergeTable::Slot* slot = table_.find(symbols[i], symbols[i + 1]);
        if (!slot || (best && best->rank <= slot->rank)) continue;
        best = slot;
        at = i;
      }
      whole = best != nullptr;
      if (!whole) break;
      highest = std::max(highest, best->rank);
      symbols[at] = best->merged;
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    if (!whole || symbols[0] != id) continue;
    see_neighbours();
    if (neighbours > highest) characters_[d.code_point] = id;
  }
}

std::string BpeTokenizer::token_bytes(int32_t id, bool special) const {
  check_id(id);
  return vocab_.is_special(id) && !special ? std::string() : std::string(bytes_[id]);
}

void BpeTokenizer::encode_plain(std::string_view text, bool begins,
                                std::vector<int32_t>& out) const {
  WordCache cache(pre_tokenizer_.rewrites() ? std::string_view() : text, out);
  std::vector<int32_t> symbols;
  pre_tokenizer_.split(text, begins,
                       [&](std::string_view word) { encode_word(word, cache, symbols, out); });
}

void BpeTokenizer::encode_word(std::string_view word, WordCache& cache,
                               std::vector<int32_t>& symbols, std::vector<int32_t>& out) const {
  const uint64_t hash = hash_bytes(word);
  if (cache.copy(word, hash, out)) return;
  const size_t begin = out.size();
  const int32_t whole = ignore_merges_ ? bytes_.find(word, hash) : -1;
  if (whole >= 0) {
    out.push_back(whole);
  } else {
    symbols.clear();
    const auto push_byte = [&](char c) {
      // A byte that the vocabulary lacks is unknown or, where there is no such token, nothing.
      int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id < 0) id = unknown_;
      if (id >= 0) symbols.push_back(id);
    };
    for (const char *p = word.data(), *end = p + word.size(); p != end;) {
      if (static_cast<unsigned char>(*p) < 0x80) {
        push_byte(*p++);
        continue;
      }
      const unicode::Decoded d = unicode::decode(p, end);
      const int32_t character = d.valid && d.code_point < 0x10000 ? characters_[d.code_point] : -1;
      if (character >= 0) {
        symbols.push_back(character);
        p += d.length;
      } else {
        for (const char* stop = p + d.length; p != stop; ++p) push_byte(*p);
      }
    }
    table_.apply(symbols);
    out.insert(out.end(), symbols.begin(), symbols.end());
  }
  cache.store(word, hash, begin, out);
}

void BpeTokenizer::write_model(GgufWriter& writer) const {
  writer.set_string("tokenizer.ggml.model", "gpt2");
  if (!pre_name_.empty()) writer.set_string("tokenizer.ggml.pre", pre_name_);
  std::vector<std::string> merges;
  merges.reserve(merges_.size());
  for (const Merge& merge : merges_)
    merges.push_back(fmt::format("{} {}", vocab_.text[merge.left], vocab_.text[merge.right]));
  writer.set_strings("tokenizer.ggml.merges", merges);
}

}  // namespace avocado
