#include "text/bpe.h"

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
    for (char c : word) {
      // A byte that the vocabulary lacks is unknown or, where there is no such token, nothing.
      int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id < 0) id = unknown_;
      if (id >= 0) symbols.push_back(id);
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
