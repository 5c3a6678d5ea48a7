#include "files/json.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace avocado {
namespace {

nlohmann::json parse(std::string_view text, const JsonLimits& limits = {}) {
  return parse_json(text, "test.json", limits);
}

TEST(Json, GivesWhatTheTextSays) {
  for (const char* text :
       {"{}", "[]", "null", "true", "-5", "18446744073709551615", "1.5e3", "\"\\u00e9\\n\"",
        R"({"a": [1, {"b": [null, "x"]}, []], "c": {"d": {}}, "e": false})"}) {
    EXPECT_EQ(parse(text), nlohmann::json::parse(text)) << text;
  }
}

TEST(Json, WhatIsNotJsonIsRefused) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":}", "\"\\x\"", "nul", "1 2", "{\"a\" 1}",
                           "\"\xff\"", "[\"\n\"]", "]", "}{"}) {
    EXPECT_AVOCADO_ERROR(parse(text), ErrorKind::input, "test.json: is not valid JSON");
  }
  EXPECT_AVOCADO_ERROR(parse(std::string_view("{}\0{", 4)), ErrorKind::input, "zero");
}

TEST(Json, DuplicateKeysAreRefused) {
  EXPECT_AVOCADO_ERROR(parse(R"({"a": 1, "b": {"a": 2}, "a": 3})"), ErrorKind::input,
                       "key a occurs twice");
  EXPECT_EQ(parse(R"({"a": 1, "b": {"a": 2}})")["b"]["a"], 2);
}

TEST(Json, DepthAndLengthAreBounded) {
  const std::string deep(1'000'000, '[');
  EXPECT_AVOCADO_ERROR(parse(deep), ErrorKind::input, "nested deeper than 64");
  EXPECT_AVOCADO_ERROR(parse("[[[]]]", {.depth = 2}), ErrorKind::input, "nested deeper than 2");
  EXPECT_EQ(parse("[[],[[\"[[[\"]]]", {.depth = 3}).size(), 2u);
  EXPECT_AVOCADO_ERROR(parse("\"" + std::string(100, 'a') + "\"", {.string_bytes = 50}),
                       ErrorKind::input, "longer than 50");
}

TEST(Json, MemoryIsBounded) {
  std::string many = "[0";
  for (int i = 0; i < 100'000; ++i) many += ",0";
  many += "]";
  EXPECT_EQ(parse(many).size(), 100'001u);
  EXPECT_AVOCADO_ERROR(parse(many, {.memory = 1 << 20}), ErrorKind::input, "more memory");
}

TEST(Json, HostileTextIsEscapedInMessages) {
  try {
    parse("\x1b[31m");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace avocado
