#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/test_text.h"
#include "text/tokenizer.h"

namespace avocado {
namespace {

using Json = nlohmann::json;

std::unique_ptr<Tokenizer> parse(const std::string& text) {
  return Tokenizer::parse_huggingface(text, {}, "test.json");
}

std::string message_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

// A small byte-level tokenizer: a, b, c, ab, abc.
Json small_bpe() {
  return {{"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"},
            {"vocab", {{"a", 0}, {"b", 1}, {"c", 2}, {"ab", 3}, {"abc", 4}}},
            {"merges", {"a b", "ab c"}}}}};
}

Json with_pointer(Json json, const char* pointer, Json value) {
  json[Json::json_pointer(pointer)] = std::move(value);
  return json;
}

TEST(HuggingFace, ReadsMergesInBothForms) {
  const Json pairs =
      with_pointer(small_bpe(), "/model/merges", Json::parse(R"([["a", "b"], ["ab", "c"]])"));
  for (const Json& json : {small_bpe(), pairs})
    EXPECT_EQ(parse(json.dump())->encode("abcab"), (std::vector{4, 3}));
}

TEST(HuggingFace, RefusesWhatItDoesNotKnowByName) {
  const std::tuple<const char*, Json, const char*> cases[] = {
      {"/model/type", "WordLevel", "WordLevel"},
      {"/model/end_of_word_suffix", "</w>", "end_of_word_suffix"},
      {"/model/dropout", 0.1, "dropout"},
      {"/model/surprise", 1, "surprise"},
      {"/surprise", 1, "surprise"},
      {"/normalizer", {{"type", "Nmt"}}, "Nmt"},
      {"/pre_tokenizer", {{"type", "UnicodeScripts"}}, "UnicodeScripts"},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", "\\w+"}}}, {"behavior", "Isolated"}},
       "\\w"},
      {"/decoder", {{"type", "CTC"}}, "CTC"},
      {"/post_processor", {{"type", "Surprise"}}, "Surprise"},
      {"/model/merges", {"a x"}, "\"x\""},
      {"/model/merges", {"a"}, "not a pair"},
      {"/model/merges", {1}, "expected"},
      {"/model/vocab/a", 4e9, "integer"},
      {"/model/vocab/a", 4000000000u, "at most"},
      {"/model/vocab/a", -1, "-1"},
      {"/model/vocab/a", 1, "two tokens"},
      {"/model/vocab/a", "zero", "expected"},
      {"/model/unk_token", "nobody", "nobody"},
      {"/added_tokens", {{{"id", 4000000000u}, {"content", "<x>"}}}, "needs an id"},
      {"/added_tokens", {{{"id", 9}, {"content", "<x>"}}}, "id 9"},
      {"/added_tokens", {{{"id", 5}, {"content", ""}}}, "content"},
  };
  for (const auto& [pointer, value, expected] : cases) {
    const std::string message = message_of(with_pointer(small_bpe(), pointer, value).dump());
    EXPECT_NE(message.find(expected), std::string::npos)
        << pointer << " " << value << ": " << message;
    EXPECT_NE(message.find("test.json"), std::string::npos) << message;
  }
  Json no_token = small_bpe();
  no_token["model"]["vocab"].erase("c");
  EXPECT_NE(message_of(no_token.dump()), "accepted");
}

TEST(HuggingFace, RefusesDamagedJson) {
  const std::string whole = small_bpe().dump();
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(message_of(whole.substr(0, length)), "accepted") << length;
  EXPECT_NE(message_of(whole + "x"), "accepted");
  std::string deep(100000, '[');
  EXPECT_NE(message_of("{\"model\": " + deep).find("deeper"), std::string::npos);
  for (const char* text :
       {"{\"model\": {\"vocab\": {\"\\ud800\": 0}}}", "{\"model\": {\"vocab\": {\"\xff\": 0}}}",
        "{\"model\": {\"vocab\": {\"\x01\": 0}}}", "{\"model\": 01}",
        "{\"model\": {}, \"model\": {}}"})
    EXPECT_NE(message_of(text), "accepted") << text;
}

TEST(HuggingFace, SurvivesMutatedFiles) {
  // Bytes of a small tokenizer.json changed at random: an error or a working tokenizer, nothing
  // else.
  const Json added = {{{"id", 5}, {"content", "<x>"}, {"special", true}},
                      {{"id", 6}, {"content", " y"}, {"lstrip", true}}};
  const std::string whole = with_pointer(small_bpe(), "/added_tokens", added).dump();
  const Random random(3, Purpose::test);
  size_t accepted = 0;
  for (uint64_t round = 0; round < 4000; ++round) {
    std::string text = whole;
    for (uint64_t change = 0; change <= round % 3; ++change) {
      const uint64_t draw = round * 16 + change * 4;
      constexpr std::string_view kLikely = "\"{}[]:,\\0123456789-enulltruefalse \xff";
      text[random.below(draw, text.size())] = kLikely[random.below(draw + 1, kLikely.size())];
    }
    try {
      const auto t = parse(text);
      ++accepted;
      t->decode(t->encode("abc <x> y <", {.bos = true, .special = true}));
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, 100u);
}

TEST(HuggingFace, AddedTokensStripAndRespectWords) {
  const Json added = {{{"id", 5}, {"content", "<l>"}, {"lstrip", true}, {"special", true}},
                      {{"id", 6}, {"content", "<r>"}, {"rstrip", true}, {"special", true}},
                      {{"id", 7}, {"content", "cab"}, {"single_word", true}, {"special", false}}};
  const auto t = parse(with_pointer(small_bpe(), "/added_tokens", added).dump());
  EXPECT_EQ(t->encode("a \t<l>a<r> \n a", {.special = true}), (std::vector{0, 5, 0, 6, 0}));
  EXPECT_EQ(t->encode("cab"), std::vector{7});
  EXPECT_EQ(t->encode("cabc"), (std::vector{2, 4}));
  EXPECT_EQ(t->encode("acab"), (std::vector{0, 2, 3}));
  EXPECT_EQ(t->token_bytes(5), "");
  EXPECT_EQ(t->token_bytes(5, true), "<l>");
}

TEST(HuggingFace, NormalizesBeforeItLooksForWords) {
  Json json = with_pointer(
      small_bpe(), "/normalizer",
      {{"type", "Sequence"},
       {"normalizers", {{{"type", "NFKC"}}, {{"type", "Lowercase"}}, {{"type", "Strip"}}}}});
  EXPECT_EQ(parse(json.dump())->encode("  ＡＢＣ "), std::vector{4});
}

TEST(HuggingFace, UnigramAndWordPiece) {
  const Json unigram = {
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}}},
      {"decoder", {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}}},
      {"model",
       {{"type", "Unigram"},
        {"unk_id", 0},
        {"vocab",
         Json::parse(
             R"([["<unk>", 0], ["▁", -3], ["a", -2], ["b", -2.5], ["▁ab", -4], ["ab", -4.6]])")}}}};
  const auto u = parse(unigram.dump());
  EXPECT_EQ(u->type_name(), "unigram");
  EXPECT_EQ(u->encode("ab abxyab"), (std::vector{4, 4, 0, 2, 3}));  // a + b beats ab: -4.5 > -4.6
  EXPECT_EQ(u->decode(std::vector{4, 4}), "ab ab");

  const Json wordpiece = {
      {"normalizer", {{"type", "BertNormalizer"}, {"lowercase", true}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "BertProcessing"}, {"cls", {"[CLS]", 1}}, {"sep", {"[SEP]", 2}}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}}},
      {"added_tokens",
       {{{"id", 1}, {"content", "[CLS]"}, {"special", true}},
        {{"id", 2}, {"content", "[SEP]"}, {"special", true}}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", "[UNK]"},
        {"vocab",
         {{"[UNK]", 0},
          {"[CLS]", 1},
          {"[SEP]", 2},
          {"un", 3},
          {"##aff", 4},
          {"##able", 5},
          {"!", 6},
          {"é", 7},
          {"e", 8}}}}}};
  const auto w = parse(wordpiece.dump());
  EXPECT_EQ(w->encode("UnAffable! É xun", {.bos = true}), (std::vector{1, 3, 4, 5, 6, 8, 0, 2}));
  EXPECT_EQ(w->decode(std::vector{3, 4, 5, 6}), "unaffable !");
}

}  // namespace
}  // namespace avocado
