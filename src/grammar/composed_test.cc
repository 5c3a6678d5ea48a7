// Tokens, free text and other constraints within grammars.

#include <gtest/gtest.h>

#include "base/philox.h"
#include "expect_error.h"
#include "grammar/test_grammar.h"

namespace avocado::grammar {
namespace {

const Tokenizer& marked_tokenizer() {
  static const std::unique_ptr<Tokenizer> tokenizer = train_bpe(
      {"{\"name\": \"value\", \"list\": [1, 2, 30, true, null]}, {\"a\": \"}}\"}]} \"]} \"}}\n"
       "the cat and the dog <call> </call> 日本語"},
      {.vocab_size = 420,
       .special_tokens = {"<|end|>", "<|mark|>", "<|other|>"},
       .eos = "<|end|>"});
  return *tokenizer;
}

std::shared_ptr<const TokenTrie> marked_trie() {
  static const auto trie = std::make_shared<TokenTrie>(marked_tokenizer());
  return trie;
}

int32_t id_of(std::string_view token) { return marked_tokenizer().find(token); }

// The mask is what accept() lets through, at every place on the way through `text`.
void expect_exact_masks(const std::shared_ptr<const Constraint>& constraint,
                        const std::string& text) {
  Matcher matcher(constraint, marked_trie());
  std::vector<uint32_t> bits(marked_trie()->mask_words());
  for (size_t at = 0;; ++at) {
    matcher.mask(bits);
    for (int32_t id = 0; id < marked_trie()->vocab_size(); ++id) {
      const bool allowed = bits[static_cast<size_t>(id) / 32] >> id % 32 & 1;
      Matcher moved = matcher;
      ASSERT_EQ(moved.accept(id), allowed)
          << "token " << marked_tokenizer().token_text(id) << " after " << text.substr(0, at);
    }
    if (at == text.size()) break;
    ASSERT_TRUE(matcher.accept_bytes(text.substr(at, 1))) << "after " << text.substr(0, at);
  }
  EXPECT_TRUE(matcher.complete());
}

TEST(TokensInGrammars, AreLetThroughWhereTheyAreNamed) {
  const auto constraint = Constraint::from_gbnf(
      fmt::format("root ::= \"the\" <[{}]> . <[{}]>?", id_of("<|mark|>"), id_of("<|end|>")));
  Matcher matcher(constraint, marked_trie());
  ASSERT_TRUE(matcher.accept_bytes("the"));
  EXPECT_FALSE(matcher.accept_bytes("<"));
  EXPECT_FALSE(matcher.accept(id_of("<|other|>")));
  EXPECT_FALSE(matcher.accept(id_of("<|end|>")));
  ASSERT_TRUE(matcher.accept(id_of("<|mark|>")));
  EXPECT_FALSE(matcher.accept(id_of("<|mark|>")));  // a dot is a character
  ASSERT_TRUE(matcher.accept_bytes("x"));
  EXPECT_TRUE(matcher.complete());
  ASSERT_TRUE(matcher.accept(id_of("<|end|>")));
  matcher.rewind(3);
  EXPECT_TRUE(matcher.accept(id_of("<|mark|>")));
  EXPECT_AVOCADO_ERROR(Constraint::from_gbnf("root ::= <think>"), ErrorKind::usage, "<[1000]>");
  EXPECT_AVOCADO_ERROR(Constraint::from_gbnf("root ::= <[9999999]>"), ErrorKind::usage, "larger");
}

TEST(TokensInGrammars, NeverComeWithinText) {
  for (const auto& constraint :
       {Constraint::from_json_schema("{}"), Constraint::from_gbnf("root ::= .*"),
        Constraint::from_regex("[^]*"), Constraint::from_json_object()}) {
    Matcher matcher(constraint, marked_trie());
    for (const char* token : {"<|mark|>", "<|other|>"}) {
      EXPECT_FALSE(matcher.accept(id_of(token)));
      Matcher inside = matcher;
      if (inside.accept_bytes("{\"")) {
        EXPECT_FALSE(inside.accept(id_of(token)));
      }
    }
  }
}

TEST(FreeText, IsAnythingWithoutTheMarks) {
  const std::vector<std::string> without = {"</t>", "<al>", "all!", token_code(id_of("<|mark|>"))};
  const auto constraint = Constraint::from_parts("root ::= free", {{"free", FreeText{without}}});
  const Random random(3, Purpose::test);
  uint64_t position = 0;
  const std::string letters = "</t>al!";
  int refused = 0;
  for (int turn = 0; turn < 2000; ++turn) {
    std::string text;
    for (uint64_t n = random.below(position++, 60); n > 0; --n)
      text += letters[random.below(position++, letters.size())];
    bool clean = true;
    for (const std::string& mark : without) clean &= text.find(mark) == std::string::npos;
    Matcher matcher(constraint, marked_trie());
    EXPECT_EQ(matcher.accept_bytes(text), clean) << text;
    refused += !clean;
  }
  EXPECT_GT(refused, 50);
  Matcher matcher(constraint, marked_trie());
  EXPECT_TRUE(matcher.accept(id_of("<|other|>")));
  EXPECT_FALSE(matcher.accept(id_of("<|mark|>")));
  EXPECT_TRUE(matcher.accept_bytes("\x80\xc3"));  // no UTF-8, but what models write
  EXPECT_TRUE(matcher.complete());
  EXPECT_TRUE(matcher.accept(id_of("<|end|>")));
  EXPECT_TRUE(matcher.ended());
}

TEST(Composed, RulesAreOtherConstraints) {
  const Constraint::Parts parts = {
      {"free", FreeText{{"<call>", token_code(id_of("<|end|>"))}}},
      {"object", Constraint::from_json_schema(
                     R"({"type": "object", "properties": {"a": {"type": "string"}},
                         "additionalProperties": false})")},
      {"number", Constraint::from_json_schema(R"({"type": "integer"})")}};
  const auto constraint = Constraint::from_parts(
      "root ::= free (call free)*\ncall ::= \"<call>\" [ ]{0,2} (object \"}\" | number \"]\") "
      "\"</call>\"",
      parts);
  for (const char* text : {"the cat", "<call>{}}</call>", "x <call>  {\"a\": \"}}\"}}</call> <cat",
                           "<call>-12]</call><call>0]</call>"}) {
    expect_exact_masks(constraint, text);
  }
  for (const char* text : {"<call>the", "<call>{\"b\"", "<call>{}]", "<call>\"1", "<call>   {",
                           "<call>{}}</call><call>}"}) {
    EXPECT_FALSE(Matcher(constraint, marked_trie()).accept_bytes(text)) << text;
  }
  Matcher matcher(constraint, marked_trie());
  ASSERT_TRUE(matcher.accept_bytes("<call> {\"a\": \"b"));
  EXPECT_FALSE(matcher.complete());
  EXPECT_FALSE(matcher.accept(id_of("<|end|>")));
  ASSERT_TRUE(matcher.accept_bytes("\"}"));
  EXPECT_EQ(matcher.forced_bytes(), "}</call>");
  ASSERT_TRUE(matcher.accept_bytes("}"));
  matcher.rewind(1);
  ASSERT_TRUE(matcher.accept_bytes("}</call>"));
  EXPECT_TRUE(matcher.complete());
  EXPECT_GT(constraint->memory(), 1000u);
}

// The tokens of a text may reach over the borders of its parts.
TEST(Composed, TokensReachOverBorders) {
  const auto constraint = Constraint::from_parts(
      "root ::= \"{\\\"name\\\": \" value \"}\"",
      {{"value", Constraint::from_json_schema(R"({"type": ["string", "object", "array"]})")}});
  for (const char* text :
       {"{\"name\": \"value\"}", "{\"name\": {\"a\": [1, {}]}}", "{\"name\": [1, 2, \"x\"]}"}) {
    expect_exact_masks(constraint, text);
    Matcher matcher(constraint, marked_trie());
    for (const int32_t id : marked_tokenizer().encode(text))
      ASSERT_TRUE(matcher.accept(id)) << marked_tokenizer().token_text(id) << " in " << text;
    EXPECT_TRUE(matcher.complete());
  }
}

TEST(Composed, APartMayBeEmptyOrBeginWithSpace) {
  const auto constraint =
      Constraint::from_parts("root ::= \"a\" [ ]? part \"b\"?",
                             {{"part", Constraint::from_gbnf("root ::= (\" \" \"x\")?")}});
  for (const char* text : {"a", "ab", "a b", "a x", "a xb", "a  xb"})
    expect_exact_masks(constraint, text);
  EXPECT_FALSE(Matcher(constraint, marked_trie()).accept_bytes("ax"));
}

// What fails for one text leaves the automaton whole for others.
TEST(Automata, SurviveTheirLimits) {
  const auto constraint = Constraint::from_gbnf("root ::= [ab]* \"a\" [ab]{17}");
  const Random random(1, Purpose::test);
  Matcher matcher(constraint, marked_trie());
  uint64_t position = 0;
  EXPECT_AVOCADO_ERROR(
      while (position < 1'000'000) matcher.accept_bytes(random.below(position++, 2) ? "a" : "b"),
      ErrorKind::resource, "too many states");
  Matcher other(constraint, marked_trie());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(other.accept_bytes("b"));
  EXPECT_AVOCADO_ERROR(
      for (int i = 0; i < 1000; ++i) other.accept_bytes(random.below(position++, 2) ? "a" : "b"),
      ErrorKind::resource, "too many states");
}

}  // namespace
}  // namespace avocado::grammar
