#include "grammar/matcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "expect_error.h"
#include "grammar/test_grammar.h"

namespace avocado::grammar {
namespace {

using Bound = std::shared_ptr<const Constraint>;

bool holds(const Bound& constraint, const std::string& text) {
  return test::writes(Matcher(constraint, test::byte_trie()), text);
}

bool begins(const Bound& constraint, const std::string& text) {
  return Matcher(constraint, test::byte_trie()).accept_bytes(text);
}

TEST(Choices, AreTheirStringsAlone) {
  const std::vector<std::string> list = {"yes", "no", "no idea", "日本"};
  const Bound choices = Constraint::from_choices(list);
  for (const std::string& text : list) EXPECT_TRUE(holds(choices, text)) << text;
  for (const char* text : {"", "y", "yess", "no ", "maybe"}) EXPECT_FALSE(holds(choices, text));
  Matcher matcher(choices, test::byte_trie());
  EXPECT_TRUE(matcher.accept_bytes("n"));
  EXPECT_EQ(matcher.forced_bytes(), "o");
  EXPECT_AVOCADO_ERROR(Constraint::from_choices({}), ErrorKind::usage, "empty");
}

TEST(Pattern, MatchesTheWholeText) {
  const Bound date = Constraint::from_regex("\\d{4}-(0[1-9]|1[0-2])(-\\d\\d)?");
  EXPECT_TRUE(holds(date, "2026-11-22"));
  EXPECT_TRUE(holds(date, "2026-11"));
  EXPECT_FALSE(begins(date, "2026-13"));
  EXPECT_FALSE(holds(date, "2026-"));
  EXPECT_TRUE(holds(Constraint::from_regex("\\p{Lu}[^a-z]+"), "Ñ日本"));
  EXPECT_TRUE(holds(Constraint::from_regex("(a|b)*\\bc?\\b.*"), "ab d"));
  EXPECT_FALSE(begins(Constraint::from_regex("[à-ü]+"), "\xc3\x28"));
}

TEST(Pattern, WhatIsNotSupportedIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"(a)\\1", "back-references"}, {"(?<=a)b", "look-behind"},
      {"a(?=b)", "look-ahead"},      {"(?i)a", "flags"},
      {"[b-a]", "out of order"},     {"(a", "not closed"},
      {"a{1,99999999}", "longer"},   {"\\p{Greek}", "Unicode"},
      {"*a", "nothing to repeat"},   {"((a{900}){900}){900}", "more than"}};
  for (const auto& [pattern, message] : cases)
    EXPECT_AVOCADO_ERROR(Constraint::from_regex(pattern), ErrorKind::usage, message);
}

TEST(Gbnf, FollowsRecursionAndRepetition) {
  const Bound grammar = Constraint::from_gbnf(R"gbnf(
# sums in parentheses
root ::= term ([-+] term){0,3}
term ::= [0-9]+ | "(" root ")"
  | name
name ::= "\u00e9" [^0-9() +-]*)gbnf");
  for (const char* text : {"1", "1+2-3+4", "((12)+3)-(4)", "é", "éçx+1"})
    EXPECT_TRUE(holds(grammar, text)) << text;
  for (const char* text : {"", "1+", "1+2+3+4+5", "((1)", "x", "1)"})
    EXPECT_FALSE(holds(grammar, text)) << text;
  EXPECT_TRUE(begins(grammar, std::string(1000, '(')));
}

TEST(Gbnf, ErrorsNameTheLine) {
  const auto from = [](const char* text) { return [text] { Constraint::from_gbnf(text); }; };
  EXPECT_AVOCADO_ERROR(from("root ::= \"a\"\n  b ::= )")(), ErrorKind::usage, "line 2");
  EXPECT_AVOCADO_ERROR(from("root ::= missing")(), ErrorKind::usage, "missing is not defined");
  EXPECT_AVOCADO_ERROR(from("root ::= root \"a\" | \"a\"")(), ErrorKind::usage, "left-recursive");
  EXPECT_AVOCADO_ERROR(from("a ::= \"a\"")(), ErrorKind::usage, "no rule root");
  EXPECT_AVOCADO_ERROR(from("root ::= \"a")(), ErrorKind::usage, "line 1, column 12");
}

TEST(Schema, WhatIsNotSupportedIsNamedWithItsPlace) {
  const auto from = [](const char* text) { return [text] { Constraint::from_json_schema(text); }; };
  EXPECT_AVOCADO_ERROR(from(R"({"properties":{"a":{"format":"idn-hostname"}}})")(),
                       ErrorKind::usage, "format at #/properties/a: idn-hostname");
  EXPECT_AVOCADO_ERROR(from(R"({"items":{"unevaluatedItems":false,"anyOf":[
      {"contains":{"const":1}},{"contains":{"const":2}},{"contains":{"const":3}},
      {"contains":{"const":4}},{"contains":{"const":5}},{"contains":{"const":6}},
      {"contains":{"const":7}}]}})")(),
                       ErrorKind::usage, "unevaluatedItems depends on more than 6");
  EXPECT_AVOCADO_ERROR(from(R"({"$ref":"http://example.com/x"})")(), ErrorKind::usage,
                       "nothing is fetched");
  EXPECT_AVOCADO_ERROR(from(R"({"type":"text"})")(), ErrorKind::usage, "type at #");
  EXPECT_AVOCADO_ERROR(from(R"({"allOf":[{"$ref":"#"}]})")(), ErrorKind::usage, "leads back");
  EXPECT_AVOCADO_ERROR(from(R"({"type":"string","enum":[1]})")(), ErrorKind::usage,
                       "no value satisfies");
  EXPECT_AVOCADO_ERROR(from("{")(), ErrorKind::usage, "not valid JSON");
}

TEST(Schema, NumbersStayWithinTheirBounds) {
  const Bound number = Constraint::from_json_schema(
      R"({"type":"integer","minimum":-3,"exclusiveMaximum":120,"multipleOf":4})");
  for (const char* text : {"0", "4", "116", "8.0", "-0", "1e2"})
    EXPECT_TRUE(holds(number, text)) << text;
  for (const char* text : {"120", "-4", "2", "4.5"}) EXPECT_FALSE(holds(number, text)) << text;
  EXPECT_FALSE(begins(number, "13"));  // neither 13 nor 13x
  EXPECT_FALSE(begins(number, "-1"));
  EXPECT_FALSE(begins(number, "4.1"));
  EXPECT_TRUE(holds(Constraint::from_json_schema(R"({"const":-2})"), "-2.0"));
}

TEST(Schema, LargeAndSmallNumbersMayHaveAnExponent) {
  const Bound large = Constraint::from_json_schema(R"({"const":9007199254740992})");
  for (const char* text : {"9007199254740992", "9007199254740992.0", "9.007199254740992e+15",
                           "9.007199254740992E15", "9007199254740992e0"})
    EXPECT_TRUE(holds(large, text)) << text;
  EXPECT_FALSE(begins(large, "9.1"));
  EXPECT_FALSE(begins(large, "9.007199254740992e14"));
  EXPECT_TRUE(holds(Constraint::from_json_schema(R"({"maximum":-1e20})"), "-1.5e+21"));
  EXPECT_TRUE(holds(Constraint::from_json_schema(R"({"const":1.25e-7})"), "1.25e-07"));
  // Otherwise digits beyond the bounds are refused at once.
  EXPECT_FALSE(begins(Constraint::from_json_schema(R"({"maximum":3})"), "5"));
  EXPECT_FALSE(begins(Constraint::from_json_schema(R"({"type":"integer"})"), "1.5"));
}

TEST(Schema, HostNamesHaveNoPunycode) {
  const Bound host = Constraint::from_json_schema(R"({"format":"hostname"})");
  for (const char* text : {"\"xn.x\"", "\"a--b.com\"", "\"xn-a--b\"", "\"x--n\""})
    EXPECT_TRUE(holds(host, text)) << text;
  for (const char* text : {"\"xn--", "\"a.XN--"}) EXPECT_FALSE(begins(host, text)) << text;
}

TEST(Schema, GroupsThatNothingAsksForMayFail) {
  const Bound any = Constraint::from_json_schema(
      R"({"anyOf":[{"properties":{"a":{"type":"string"}}},true],"if":{"items":{"type":"null"}}})");
  EXPECT_TRUE(holds(any, R"({"a":1})"));
  EXPECT_TRUE(holds(any, "[1]"));
}

TEST(Schema, DynamicReferencesFollowTheWayToThem) {
  // A list of what the place that refers to it calls its items.
  const Bound lists = Constraint::from_json_schema(R"({"$id":"http://a/","properties":{
      "numbers":{"$id":"n","$ref":"list","$defs":{"i":{"$dynamicAnchor":"item","type":"number"}}},
      "texts":{"$id":"t","$ref":"list","$defs":{"i":{"$dynamicAnchor":"item","type":"string"}}},
      "any":{"$ref":"list"}},
      "$defs":{"list":{"$id":"list","type":"array","items":{"$dynamicRef":"#item"},
               "$defs":{"i":{"$dynamicAnchor":"item"}}}}})");
  EXPECT_TRUE(holds(lists, R"({"numbers":[1],"texts":["a"],"any":[1,"a"]})"));
  EXPECT_FALSE(begins(lists, R"({"numbers":["a)"));
  EXPECT_FALSE(begins(lists, R"({"texts":[1)"));
  // Draft 2019-09's, which know one name only.
  const Bound tree = Constraint::from_json_schema(R"({
      "$schema":"https://json-schema.org/draft/2019-09/schema",
      "$id":"http://a/strict","$recursiveAnchor":true,"$ref":"tree","unevaluatedProperties":false,
      "$defs":{"t":{"$id":"tree","$recursiveAnchor":true,
               "properties":{"data":true,"kids":{"items":{"$recursiveRef":"#"}}}}}})");
  EXPECT_TRUE(holds(tree, R"({"kids":[{"data":1,"kids":[]}]})"));
  EXPECT_FALSE(begins(tree, R"({"kids":[{"date)"));
}

TEST(Schema, StringsAreWrittenInOneWay) {
  const Bound any = Constraint::from_json_schema(R"({"type":"string","maxLength":3})");
  EXPECT_TRUE(holds(any, R"("\n\"\\")"));
  EXPECT_TRUE(holds(any, R"("\ud83e\udd51é\u00e9")"));
  EXPECT_FALSE(begins(any, R"("\u0041)"));
  EXPECT_FALSE(begins(any, R"("\ud83ex)"));
  EXPECT_FALSE(begins(any, "\"abcd"));
  EXPECT_FALSE(begins(any, "\"\xff"));
  const Bound name = Constraint::from_json_schema(R"({"enum":["é"]})");
  EXPECT_TRUE(holds(name, "\"\\u00e9\""));
  EXPECT_FALSE(begins(name, "\"\\u01"));
}

TEST(Schema, MembersInAnyOrderButNoneTwice) {
  const Bound object = Constraint::from_json_schema(
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"}},
          "required":["a"],"additionalProperties":false})");
  EXPECT_TRUE(holds(object, R"({"b":true,"a":1})"));
  EXPECT_TRUE(holds(object, "{\n  \"a\": 1\n}"));
  EXPECT_FALSE(begins(object, R"({"a":1,"a)"));
  EXPECT_FALSE(begins(object, R"({"b":true})"));
  EXPECT_FALSE(begins(object, R"({"c)"));
  EXPECT_FALSE(begins(object, R"({"a":1,"b":false,)"));
  EXPECT_FALSE(begins(object, "{\n\n"));
}

TEST(Matcher, MaskSaysWhatAcceptDoes) {
  const Bound constraints[] = {
      Constraint::from_json_object(),
      Constraint::from_json_schema(
          R"({"anyOf":[{"properties":{"id":{"type":"string","pattern":"^[a-f]+-"}},"required":["id"],
              "additionalProperties":false},{"type":"array","items":{"minLength":2,"maxLength":5}}]})"),
      Constraint::from_json_schema(
          R"({"type":"string","if":{"maxLength":4},"then":{"const":"the"},"else":{"const":"other"}})"),
      Constraint::from_gbnf("root ::= \"{\" [^}]{1,40} \"}\""),
      Constraint::from_regex("[\\w\\s\"]+(dog|日本語)?"),
  };
  const auto trie = test::byte_trie();
  std::vector<uint32_t> bits(trie->mask_words());
  uint64_t draw = 0;
  for (const Bound& constraint : constraints) {
    Matcher matcher(constraint, trie);
    for (int step = 0; step < 60; ++step) {
      matcher.mask(bits);
      std::vector<int32_t> allowed;
      for (int32_t id = 0; id < trie->vocab_size(); ++id) {
        Matcher copy = matcher;
        const bool bit = bits[static_cast<size_t>(id) / 32] >> id % 32 & 1;
        ASSERT_EQ(copy.accept(id), bit) << id << " at step " << step;
        if (bit && !trie->is_end(id)) allowed.push_back(id);
      }
      if (allowed.empty()) break;
      draw = draw * 6364136223846793005u + 1442695040888963407u;
      ASSERT_TRUE(matcher.accept(allowed[(draw >> 33) % allowed.size()]));
    }
  }
}

using Json = nlohmann::json;

bool only_has(const Json& object, const std::vector<std::string>& names) {
  for (const auto& [name, value] : object.items())
    if (std::find(names.begin(), names.end(), name) == names.end()) return false;
  return true;
}

// Walks that choose evenly among the allowed tokens: what comes to its end is right, which plain
// code beside each schema judges.
TEST(Matcher, RandomWalksEndWellOrAreCut) {
  struct Case {
    const char* schema;
    bool (*right)(const Json& value);
  };
  const Case cases[] = {
      {R"({"type":"object","properties":{"a":{"type":"integer","minimum":3,"maximum":77},
           "b":{"enum":["red","green",5,null]},"c":{"type":"array","items":{"format":"date",
           "type":"string"},"maxItems":2}},"required":["a","b"],"additionalProperties":false})",
       [](const Json& v) {
         const Json b = v.at("b");
         const bool dates = !v.contains("c") || (v["c"].is_array() && v["c"].size() <= 2 &&
                                                 (v["c"].empty() || v["c"][0].is_string()));
         return only_has(v, {"a", "b", "c"}) && v.at("a") >= 3 && v.at("a") <= 77 && dates &&
                (b == "red" || b == "green" || b == 5 || b.is_null());
       }},
      {R"({"oneOf":[{"type":"number","multipleOf":0.25},
                    {"type":"string","pattern":"^[a-c]{2,4}$"}]})",
       [](const Json& v) {
         if (v.is_number()) return v.get<double>() * 4 == std::floor(v.get<double>() * 4);
         const auto& text = v.get_ref<const std::string&>();
         return text.size() >= 2 && text.size() <= 4 && text.find_first_not_of("abc") == text.npos;
       }},
      {R"({"type":"object","patternProperties":{"^x":{"type":"boolean"}},"minProperties":1,
           "additionalProperties":false,"maxProperties":3})",
       [](const Json& v) {
         for (const auto& [name, value] : v.items())
           if (name[0] != 'x' || !value.is_boolean()) return false;
         return v.is_object() && v.size() >= 1 && v.size() <= 3;
       }},
      {R"({"type":"array","prefixItems":[{"const":"k"},{"type":"null"}],"items":false,
           "minItems":1})",
       [](const Json& v) {
         return v == Json{"k"} || v == Json{"k", nullptr};
       }},
      {R"({"if":{"properties":{"t":{"const":1}},"required":["t"]},"then":{"required":["u"]},
           "type":"object","properties":{"t":{"enum":[1,2]},"u":{"type":"boolean"}},
           "additionalProperties":false})",
       [](const Json& v) {
         const bool first = v.contains("t") && v["t"] == 1;
         return v.is_object() && only_has(v, {"t", "u"}) && (!first || v.contains("u"));
       }}};
  const auto trie = test::byte_trie();
  std::vector<uint32_t> bits(trie->mask_words());
  uint64_t draw = 1;
  int ended = 0, cut = 0, stuck = 0;
  for (const auto& [schema, right] : cases) {
    const Bound constraint = Constraint::from_json_schema(schema);
    for (int walk = 0; walk < 60; ++walk) {
      Matcher matcher(constraint, trie);
      std::string text;
      for (int step = 0; step < 200 && !matcher.ended(); ++step) {
        matcher.mask(bits);
        std::vector<int32_t> allowed;
        for (int32_t id = 0; id < trie->vocab_size(); ++id)
          if (bits[static_cast<size_t>(id) / 32] >> id % 32 & 1) allowed.push_back(id);
        if (allowed.empty()) {
          ++stuck;
          ADD_FAILURE() << schema << " has no way on from " << text;
          break;
        }
        draw = draw * 6364136223846793005u + 1442695040888963407u;
        const int32_t id = allowed[(draw >> 33) % allowed.size()];
        ASSERT_TRUE(matcher.accept(id));
        if (!trie->is_end(id)) text += trie->bytes(id);
      }
      if (!matcher.ended()) {
        ++cut;
        continue;
      }
      ++ended;
      const Json value = Json::parse(text, nullptr, false);
      ASSERT_FALSE(value.is_discarded()) << text;
      EXPECT_TRUE(right(value)) << text;
    }
  }
  fmt::print("{} walks ended, {} were cut, {} had no way on\n", ended, cut, stuck);
  EXPECT_GT(ended, 100);
}

TEST(Matcher, RewindsAndEnds) {
  const auto trie = test::byte_trie();
  Matcher matcher(Constraint::from_json_object(), trie);
  std::vector<uint32_t> before(trie->mask_words()), after(before);
  ASSERT_TRUE(matcher.accept_bytes("{\"a\":[1,"));
  matcher.mask(before);
  ASSERT_TRUE(matcher.accept_bytes("{\"b\":"));
  ASSERT_TRUE(matcher.accept_bytes("\"x\"}]}"));
  const int32_t end = trie->ends()[0];
  ASSERT_TRUE(matcher.accept(end));
  EXPECT_FALSE(matcher.accept(end));
  matcher.rewind(3);
  matcher.mask(after);
  EXPECT_EQ(before, after);
  EXPECT_FALSE(matcher.accept(end));
  EXPECT_AVOCADO_ERROR(matcher.rewind(5), ErrorKind::usage, "rewind");
}

}  // namespace
}  // namespace avocado::grammar
