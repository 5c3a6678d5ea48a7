#include "chat/literal_reader.h"

#include <gtest/gtest.h>

#include "chat/tools.h"
#include "expect_error.h"

namespace avocado::chat {
namespace {

TEST(LiteralReader, KeepsJsonAsItIs) {
  for (const char* json : {
           "{}",
           "[]",
           "0",
           "-1",
           "1.5e-3",
           "2E+10",
           "true",
           "false",
           "null",
           "\"\"",
           "\"a\"",
           R"({"a": [1, {"b": null}], "c":""})",
           "[ 1 ,\n2 ]",
           R"("\u00e9\n\"\\\/")",
           R"("\ud83e\udd51")",
           "\"Zürich 日本 🥑 '\"",
           "{ }",
           "[\n]",
       })
    EXPECT_EQ(literal_to_json(json), json);
}

TEST(LiteralReader, MendsPythonAndSmallFaults) {
  EXPECT_EQ(literal_to_json("{'a': True, 'b': None}"), R"({"a": true, "b": null})");
  EXPECT_EQ(literal_to_json("(1, 2,)"), "[1, 2]");
  EXPECT_EQ(literal_to_json("[1, 2, ]"), "[1, 2 ]");
  EXPECT_EQ(literal_to_json("{\"a\": 1,}"), "{\"a\": 1}");
  EXPECT_EQ(literal_to_json("'it\\'s \"x\"'"), R"("it's \"x\"")");
  EXPECT_EQ(literal_to_json("\"a\nb\tc\x01\""), R"("a\nb\tc\u0001")");
  EXPECT_EQ(literal_to_json("'\\x41\\U0001f951\\q'"), R"("\u0041\ud83e\udd51\\q")");
  EXPECT_EQ(literal_to_json(R"("\ud83ex")"), R"("\ufffdx")");
  EXPECT_EQ(literal_to_json(R"("\udd51")"), R"("\ufffd")");
  EXPECT_EQ(literal_to_json("  5\n"), "5");
}

TEST(LiteralReader, RefusesTheRest) {
  for (const char* text : {
           "",
           "-",
           "01",
           "1.",
           ".5",
           "1e",
           "+1",
           "0x10",
           "1_000",
           "tru",
           "truest",
           "NaN",
           "{",
           "[1",
           "[1 2]",
           "[,]",
           "[1,,2]",
           "{1: 2}",
           "{\"a\"}",
           "{\"a\": }",
           "{,}",
           "\"a",
           "\"\\u12g4\"",
           "1 2",
           "{} x",
           "[)",
           "\"\xff\"",
           "\"\xc0\xaf\"",
           "\"\xed\xa0\x80\"",
           "\"\xe2\x82\"",
       })
    EXPECT_EQ(literal_to_json(text), "") << text;
  EXPECT_EQ(literal_to_json(std::string(65, '[') + std::string(65, ']')), "");
  EXPECT_NE(literal_to_json(std::string(64, '[') + std::string(64, ']')), "");
}

TEST(Tools, AreRead) {
  using Json = nlohmann::ordered_json;
  const auto tools = read_tools(Json::parse(R"([
      {"type": "function", "function": {"name": "f", "parameters": {"properties": {
          "s": {"type": "string"}, "n": {"type": ["integer", "null"]}, "e": {"enum": ["a", 1]},
          "o": {"anyOf": [{"type": "object"}, {"type": "array"}]}, "r": {"$ref": "#/x"}}}}},
      {"type": "function", "function": {"name": "g"}},
      {"type": "code_interpreter"}])"));
  ASSERT_EQ(tools.size(), 2u);
  const Tool* f = find_tool(tools, "f");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(parameter_types(f, "s"), uint32_t{kString});
  EXPECT_EQ(parameter_types(f, "n"), uint32_t{kNumber | kNull});
  EXPECT_EQ(parameter_types(f, "e"), uint32_t{kString | kNumber});
  EXPECT_EQ(parameter_types(f, "o"), uint32_t{kObject | kArray});
  EXPECT_EQ(parameter_types(f, "r"), 0u);
  EXPECT_EQ(parameter_types(f, "x"), 0u);
  EXPECT_EQ(parameter_types(nullptr, "x"), 0u);
  EXPECT_EQ(find_tool(tools, "h"), nullptr);
}

TEST(Tools, FaultsAreNamed) {
  using Json = nlohmann::ordered_json;
  EXPECT_AVOCADO_ERROR(read_tools(Json::parse("{}")), ErrorKind::usage, "tools");
  EXPECT_AVOCADO_ERROR(read_tools(Json::parse(R"([{"type": "function", "function": {}}])")),
                       ErrorKind::usage, "tools[0].function.name");
  EXPECT_AVOCADO_ERROR(read_tools(Json::parse(R"([{"name": "f", "parameters": [1]}])")),
                       ErrorKind::usage, "tools[0].function.parameters");
  EXPECT_AVOCADO_ERROR(read_tools(Json::parse(R"([{"name": "f"}, {"name": "f"}])")),
                       ErrorKind::usage, "tools[1].function.name");
  EXPECT_AVOCADO_ERROR(read_tools(Json::parse("[5]")), ErrorKind::usage, "tools[0]");
}

}  // namespace
}  // namespace avocado::chat
