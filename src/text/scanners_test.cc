// The hand-written scanners against PCRE2, and the classes they use against its properties.
#include "text/scanners.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/patterns.h"
#include "text/pre_tokenizer.h"
#include "text/test_text.h"

namespace avocado {
namespace {

bool matches(const Regex& regex, uint32_t c) {
  std::string text;
  unicode::append_utf8(c, text);
  return regex.find_all(text).front().matched;
}

// Characters that utf8proc's Unicode has and PCRE2's has not yet (15.0 and 14.0 on Debian 12).
bool is_newer(uint32_t c) {
  static const Regex unassigned(R"(\p{Cn})", "test");
  return unicode::class_of(c) != unicode::bit(0) && matches(unassigned, c);
}

bool has_newer(std::string_view text) {
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    if (d.code_point > 0x7f && is_newer(d.code_point)) return true;
    p += d.length;
  }
  return false;
}

TEST(Unicode, ClassesAreThoseOfPcre2ForEveryCodePoint) {
  const std::pair<const char*, unicode::ClassMask> classes[] = {
      {R"(\p{L})", unicode::kLetter},
      {R"(\p{N})", unicode::kNumber},
      {R"(\p{M})", unicode::kMark},
      {R"(\p{P})", unicode::kPunctuation},
      {R"(\p{S})", unicode::kSymbol},
      {R"(\s)", unicode::kSpace},
      {R"(\p{Lu})", unicode::kUpper},
      {R"(\p{Ll})", unicode::kLower},
      {R"(\p{Lt})", unicode::kTitle},
      {R"(\p{Lm})", unicode::kModifierLetter},
      {R"(\p{Lo})", unicode::kOtherLetter},
      {R"([\r\n])", unicode::kNewline},
      {R"(\p{Mn})", unicode::kNonspacingMark},
      {R"(\p{Nd})", unicode::kDecimalDigit},
      {R"(\p{Pc})", unicode::kConnectorPunctuation},
  };
  for (const auto& [pattern, mask] : classes) {
    const Regex regex(pattern, "test");
    size_t different = 0;
    for (uint32_t c = 0; c < 0x110000; ++c) {
      if (c >= 0xd800 && c < 0xe000) continue;
      const bool ours = (unicode::class_of(c) & mask) != 0;
      if (ours == matches(regex, c) || is_newer(c)) continue;
      if (different++ < 5)
        ADD_FAILURE() << pattern << " and U+" << std::hex << c << ": we say " << ours;
    }
    EXPECT_EQ(different, 0u) << pattern;
  }
  size_t newer = 0;
  for (uint32_t c = 0; c < 0x110000; ++c) newer += (c < 0xd800 || c > 0xdfff) && is_newer(c);
  std::printf("compared all code points but %zu that PCRE2's Unicode does not have yet\n", newer);
  EXPECT_LT(newer, 20000u);
}

TEST(Unicode, WhiteSpaceIsThePropertyNotPerls) {
  const Regex regex(R"(\s)", "test");
  EXPECT_FALSE(matches(regex, 0x180e));  // PCRE2's own \s has it
  EXPECT_TRUE(matches(regex, 0x85));
  const Regex inside(R"([^\S])", "test");
  EXPECT_TRUE(matches(inside, 0x2003));
  EXPECT_FALSE(matches(inside, 'x'));
}

std::vector<std::string> pieces_by_hand(NextPiece scanner, const std::string& text) {
  std::vector<std::string> pieces;
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const char* next = scanner(p, end);
    pieces.emplace_back(p, next);
    p = next;
  }
  return pieces;
}

std::vector<std::string> pieces_by_regex(const Regex& regex, const std::string& text) {
  std::vector<std::string> pieces;
  for (const Regex::Span& span : regex.find_all(text))
    pieces.push_back(text.substr(span.begin, span.end - span.begin));
  return pieces;
}

TEST(Scanners, CutAsPcre2Does) {
  using namespace patterns;
  for (std::string_view pattern : {kGpt2, kLlama3, kQwen2, kLlama3AnyNumber, kQwen35, kGpt4o,
                                   kTekken, kNumber, kNumbers3, kNumbers}) {
    const NextPiece scanner = find_scanner(pattern);
    ASSERT_NE(scanner, nullptr) << pattern;
    const Regex regex(pattern, "test");
    size_t pieces = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
      const std::string text = test::random_text(seed, 1 + seed % 80);
      if (has_newer(text)) continue;
      const auto by_hand = pieces_by_hand(scanner, text);
      ASSERT_EQ(by_hand, pieces_by_regex(regex, text))
          << pattern << "\nseed " << seed << ": " << text;
      pieces += by_hand.size();
    }
    if (std::filesystem::exists(test::data("corpora"))) {
      for (const std::string& text : test::corpora())
        ASSERT_TRUE(pieces_by_hand(scanner, text) == pieces_by_regex(regex, text)) << pattern;
    }
    EXPECT_GT(pieces, 4000u);
  }
}

TEST(Scanners, LoseNoByteOfDamagedText) {
  const Random random(7, Purpose::test);
  for (uint64_t i = 0; i < 2000; ++i) {
    std::string text;
    for (uint64_t k = 0; k < 1 + i % 40; ++k) {
      const uint64_t draw = random.below(i * 64 + k, 512);
      text.push_back(static_cast<char>(draw < 256 ? draw : " a1\xe3\x81\x82\xff"[draw % 7]));
    }
    for (const char* name : {"llama-bpe", "gpt-2", "gpt-4o", "deepseek-llm", "falcon", "default"}) {
      std::string joined;
      make_pre_tokenizer(*find_pre_tokenizer(name)).split(text, true, [&](std::string_view piece) {
        EXPECT_FALSE(piece.empty());
        joined += piece;
      });
      ASSERT_EQ(joined, text) << name;
    }
  }
}

TEST(PreTokenizer, SplitBehaviorsAreHuggingFaces) {
  const auto split = [](SplitBehavior behavior, bool invert) {
    PreTokenizer p;
    p.add_split("-", "test", behavior, invert);
    std::string joined;
    p.split("the-final--countdown", true,
            [&](std::string_view piece) { joined.append(piece).append("|"); });
    return joined;
  };
  EXPECT_EQ(split(SplitBehavior::removed, false), "the|final|countdown|");
  EXPECT_EQ(split(SplitBehavior::isolated, false), "the|-|final|-|-|countdown|");
  EXPECT_EQ(split(SplitBehavior::merged_with_previous, false), "the-|final-|-|countdown|");
  EXPECT_EQ(split(SplitBehavior::merged_with_next, false), "the|-final|-|-countdown|");
  EXPECT_EQ(split(SplitBehavior::contiguous, false), "the|-|final|--|countdown|");
  EXPECT_EQ(split(SplitBehavior::removed, true), "-|-|-|");
}

TEST(Regex, RefusesWhatEnginesDoDifferently) {
  for (const char* pattern : {R"(\w+)", R"(\bfoo)", "a$", "^a", "[a-z&&[aeiou]]", "(?<=a)b",
                              R"(\p{N}{1,3}+)", "(?x) a", "\\"})
    EXPECT_THROW(require_portable_regex(pattern, "test"), Error) << pattern;
  for (std::string_view pattern :
       {patterns::kLlama3, patterns::kGpt4o, patterns::kDeepseekV3, patterns::kGpt2})
    EXPECT_NO_THROW(require_portable_regex(pattern, "test")) << pattern;
  EXPECT_THROW(Regex("(", "test"), Error);
}

TEST(Regex, GivesUpInsteadOfHanging) {
  const Regex regex("(a+)+(b|c)", "test");
  EXPECT_THROW(regex.find_all(std::string(200, 'a')), Error);
}

}  // namespace
}  // namespace avocado
