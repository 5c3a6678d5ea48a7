// Answers that follow a grammar: with random weights nothing but the masks makes them valid.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "infer/generate.h"
#include "tiny_engine.h"

namespace avocado {
namespace {

class ConstraintTest : public test::TinyEngineTest {
 protected:
  ConstraintTest() : TinyEngineTest(200, "{\"to\": 12, \"be\": true}, to be or not to be") {
    options_.trie = std::make_shared<grammar::TokenTrie>(tokenizer());
    options_.sampling.temperature = 2;
    options_.sampling.top_k = 0;
    options_.max_tokens = 120;
  }
  Completion answer(uint64_t seed, const GenerateOptions& options) {
    GenerateOptions seeded = options;
    seeded.sampling.seed = seed;
    return TinyEngineTest::answer(tokenizer().encode("to be or not, to be or not"), seeded);
  }

  GenerateOptions options_;
};

TEST_F(ConstraintTest, AnswersAreValidForTheSchemaOrCutOff) {
  options_.constraint = grammar::Constraint::from_json_schema(R"({
    "type": "object", "required": ["to", "be"], "additionalProperties": false,
    "properties": {"to": {"type": "integer", "minimum": 3, "maximum": 250},
                   "be": {"enum": ["or", "not", null]},
                   "not": {"type": "array", "items": {"type": "boolean"}, "maxItems": 2}}})");
  int ended = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Completion completion = answer(seed, options_);
    if (completion.stop == StopReason::max_tokens) continue;
    ASSERT_EQ(completion.stop, StopReason::end_token);
    ++ended;
    const auto json = nlohmann::json::parse(completion.text);
    ASSERT_TRUE(json.is_object());
    EXPECT_GE(json.at("to").get<int>(), 3);
    EXPECT_LE(json["to"].get<int>(), 250);
    EXPECT_TRUE(json.at("be") == "or" || json["be"] == "not" || json["be"].is_null());
    for (const auto& [key, value] : json.items())
      EXPECT_TRUE(key == "to" || key == "be" || key == "not") << key;
    EXPECT_LE(json.value("not", nlohmann::json::array()).size(), 2u);
  }
  EXPECT_GE(ended, 20);
}

TEST_F(ConstraintTest, GoesBackWithBannedStringsAndWrongGuesses) {
  options_.constraint =
      grammar::Constraint::from_gbnf(R"(root ::= "to" (" be" | " or" | " not")+ ".")");
  const std::regex allowed("to( be| or| not)+\\.");
  int ended = 0, taken_back = 0, guessed = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    GenerateOptions options = options_;
    options.banned_strings = {"be or", "not not"};
    const Completion plain = answer(seed, options);
    Speculation speculation({.always = true});
    speculation.add("suffix", suffix_drafter());
    options.speculation = &speculation;
    const Completion drafted = answer(seed, options);
    EXPECT_EQ(drafted.ids, plain.ids);
    EXPECT_EQ(drafted.stop, plain.stop);
    guessed += static_cast<int>(drafted.drafted);
    taken_back += static_cast<int>(plain.taken_back);
    if (plain.stop != StopReason::end_token) continue;
    ++ended;
    EXPECT_TRUE(std::regex_match(plain.text, allowed)) << plain.text;
    EXPECT_EQ(plain.text.find("be or"), std::string::npos);
    EXPECT_EQ(plain.text.find("not not"), std::string::npos);
  }
  EXPECT_GE(ended, 20);
  EXPECT_GT(taken_back, 5);
  EXPECT_GT(guessed, 5);
}

}  // namespace
}  // namespace avocado
