// Byte-level BPE against the plainest form of the algorithm: spellings instead of ids, PCRE2
// instead of scanners, and every merge found by looking at every pair.
#include <gtest/gtest.h>

#include <unordered_map>

#include "text/bpe.h"
#include "text/pre_tokenizer.h"
#include "text/regex.h"
#include "text/test_text.h"

namespace avocado {
namespace {

class PlainBpe {
 public:
  PlainBpe(const GgufFile& file, std::string_view pattern) : regex_(pattern, "oracle") {
    const auto& tokens = *file.get_array<std::string_view>("tokenizer.ggml.tokens");
    for (size_t i = 0; i < tokens.size(); ++i)
      ids_[std::string(tokens[i])] = static_cast<int32_t>(i);
    const auto& merges = *file.get_array<std::string_view>("tokenizer.ggml.merges");
    for (size_t i = 0; i < merges.size(); ++i) ranks_[std::string(merges[i])] = i;
    ignore_merges_ = file.get_string("tokenizer.ggml.pre") == "llama-bpe";
  }

  std::vector<int32_t> encode(const std::string& text) const {
    std::vector<int32_t> out;
    for (const Regex::Span& span : regex_.find_all(text)) {
      std::vector<std::string> symbols;
      std::string whole;
      for (size_t i = span.begin; i < span.end; ++i) {
        symbols.emplace_back(byte_spelling(static_cast<uint8_t>(text[i])));
        whole += symbols.back();
      }
      if (ignore_merges_ && ids_.count(whole)) symbols = {whole};
      for (;;) {
        size_t best = SIZE_MAX, at = 0;
        for (size_t i = 1; i < symbols.size(); ++i) {
          const auto rank = ranks_.find(symbols[i - 1] + " " + symbols[i]);
          if (rank == ranks_.end() || rank->second >= best) continue;
          best = rank->second;
          at = i;
        }
        if (best == SIZE_MAX) break;
        symbols[at - 1] += symbols[at];
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at));
      }
      for (const std::string& symbol : symbols) out.push_back(ids_.at(symbol));
    }
    return out;
  }

 private:
  Regex regex_;
  std::unordered_map<std::string, int32_t> ids_;
  std::unordered_map<std::string, size_t> ranks_;
  bool ignore_merges_;
};

TEST(BpeOracle, EncodesAsThePlainAlgorithmDoes) {
  REQUIRE_TEST_DATA("tokenizers/ggml-vocab");
  for (const char* name : {"llama-bpe", "gpt-2", "qwen2"}) {
    const GgufFile file = GgufFile::open(
        test::data(std::string("tokenizers/ggml-vocab/ggml-vocab-") + name + ".gguf"));
    const auto fast = Tokenizer::from_gguf(file);
    const PlainBpe plain(file, find_pre_tokenizer(name)->patterns[0]);
    size_t compared = 0;
    for (uint64_t seed = 0; seed < 1500; ++seed) {
      const std::string text = test::random_text(seed, 1 + seed % 120);
      if (fast->encode(text) == plain.encode(text)) {
        ++compared;
        continue;
      }
      // Scanners and PCRE2 know different versions of Unicode; nothing else may differ.
      ASSERT_NE(text.find_first_of("\xf0\xf1\xf2\xf3\xe0\xea"), std::string::npos)
          << name << ": " << text;
    }
    EXPECT_GT(compared, 1400u);
    for (const std::string& text : test::corpora()) {
      for (size_t at = 0; at < text.size(); at += 40000) {
        const std::string part = text.substr(at, 1500);  // may begin or end inside a character
        if (!unicode::is_valid_utf8(part)) continue;
        ASSERT_EQ(fast->encode(part), plain.encode(part)) << name;
      }
      // Words of many characters.
      std::string letters;
      for (const char *p = text.data(), *end = p + text.size();
           p != end && letters.size() < 3000;) {
        const unicode::Decoded d = unicode::decode(p, end);
        if (d.valid && d.code_point >= 0x3040) letters.append(p, static_cast<size_t>(d.length));
        p += d.length;
      }
      ASSERT_EQ(fast->encode(letters), plain.encode(letters)) << name;
    }
  }
}

}  // namespace
}  // namespace avocado
