#include "chat/tool_grammar.h"

#include <gtest/gtest.h>

#include "base/philox.h"
#include "chat/answer_cases.h"
#include "chat/literal_reader.h"
#include "chat/small_gbnf.h"
#include "expect_error.h"

namespace avocado::chat {
namespace {

using Json = nlohmann::ordered_json;

// A random value that the schema allows, as far as these tests need it.
Json random_value(const Json& schema, const std::function<uint64_t(uint64_t)>& below) {
  static const char* const kStrings[] = {
      "", "Paris", "a \"b\" 'c' \\", "日本\n🥑", "</parameter>", "5"};
  if (const auto choices = schema.find("enum"); choices != schema.end())
    return (*choices)[below(choices->size())];
  if (const auto choices = schema.find("anyOf"); choices != schema.end())
    return random_value((*choices)[below(choices->size())], below);
  Json type = schema.value("type", Json("object"));
  if (type.is_array()) type = type[below(type.size())];
  if (type == "string") return kStrings[below(std::size(kStrings))];
  if (type == "integer") return static_cast<int>(below(1000)) - 500;
  if (type == "boolean") return below(2) == 1;
  if (type == "null") return nullptr;
  if (type == "array") {
    Json list = Json::array();
    for (uint64_t n = below(3); n > 0; --n) list.push_back(random_value(schema.at("items"), below));
    return list;
  }
  Json object = Json::object();
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, inner] : properties.items()) {
    if (below(3) > 0) object[key] = random_value(inner, below);
  }
  return object;
}

test::SmallGbnf compiled(const ToolGrammar& grammar, std::function<uint64_t(uint64_t)> below) {
  std::map<std::string, test::SmallGbnf::Hole> holes;
  for (const ToolGrammar::Hole& hole : grammar.holes) {
    holes[hole.rule] = {
        [](std::string_view text, size_t at) {
          LiteralReader reader;
          std::string out;
          const size_t taken = reader.read(text.substr(at), out);
          return reader.finish(out) == LiteralReader::State::done ? at + taken
                                                                  : std::string_view::npos;
        },
        [schema = hole.schema, below] { return random_value(schema, below).dump(); }};
  }
  return test::SmallGbnf(grammar.gbnf, std::move(holes));
}

// Whatever the grammar lets a model write is read as calls, with nothing left over.
TEST(ToolGrammar, WhatItAllowsIsRead) {
  const std::vector<Tool> tools = test::answer_tools(AVOCADO_TESTS);
  const Random random(2, Purpose::test);
  uint64_t position = 0;
  const auto below = [&](uint64_t n) { return random.below(position++, n); };
  for (const AnswerFormat* format : answer_formats()) {
    const ToolGrammar grammar = tool_grammar(*format, tools);
    const test::SmallGbnf gbnf = compiled(grammar, below);
    AnswerOptions options;
    options.tools = tools;
    for (int turn = 0; turn < 200; ++turn) {
      const std::string text = gbnf.make(below);
      const Answer answer = parse_answer(*format, options, text);
      ASSERT_EQ(answer.content, "") << format->name << "\n" << text << "\n" << grammar.gbnf;
      ASSERT_FALSE(answer.calls.empty()) << format->name << "\n" << text;
      for (const Answer::Call& call : answer.calls)
        ASSERT_TRUE(Json::parse(call.arguments).is_object()) << format->name << "\n" << text;
      ASSERT_TRUE(gbnf.matches(text)) << format->name << "\n" << text;
      for (const std::string& trigger : grammar.triggers)
        ASSERT_TRUE(text.starts_with(trigger)) << format->name << "\n" << text;
    }
  }
}

// What models write by their templates is allowed.
TEST(ToolGrammar, AllowsWhatTemplatesWrite) {
  const std::vector<Tool> tools = test::answer_tools(AVOCADO_TESTS);
  std::map<std::string, int> count;
  for (const test::AnswerCase& c : test::answer_cases(AVOCADO_TESTS)) {
    const std::string name = c.name.substr(c.name.find(": ") + 2);
    if (name != "one call" && name != "several calls" && name != "no arguments" &&
        name != "nested arguments" && name != "Unicode and escapes")
      continue;
    if (c.format == &answer_format("generic")) continue;  // writes {"tool_calls": ...} there
    const ToolGrammar grammar = tool_grammar(*c.format, tools);
    size_t skip = 0;
    while (skip < c.text.size() && (c.text[skip] == ' ' || c.text[skip] == '\n')) ++skip;
    std::string text = c.text.substr(skip);
    if (c.format == &answer_format("harmony")) text = text.substr(0, text.find("<|call|>") + 8);
    // Ids that stand behind the arguments are not asked for.
    if (c.format == &answer_format("mistral") || c.format == &answer_format("command-r7b"))
      continue;
    EXPECT_TRUE(compiled(grammar, {}).matches(text)) << c.name << "\n"
                                                     << text << "\n"
                                                     << grammar.gbnf;
    ++count[c.format->name];
  }
  EXPECT_EQ(count.size(), answer_formats().size() - 3);
}

TEST(ToolGrammar, ChoiceAndNumber) {
  const std::vector<Tool> tools = test::answer_tools(AVOCADO_TESTS);
  const AnswerFormat& hermes = answer_format("hermes");
  const std::string one = "<tool_call>\n{\"name\": \"ping\", \"arguments\": {}}\n</tool_call>";
  const std::string other = "<tool_call>\n{\"name\": \"search\", \"arguments\": {}}\n</tool_call>";
  const auto any = compiled(tool_grammar(hermes, tools), {});
  EXPECT_TRUE(any.matches(one + "\n" + other));
  EXPECT_FALSE(any.matches("Hello"));
  EXPECT_FALSE(any.matches(""));
  const auto named = compiled(tool_grammar(hermes, tools, {.name = "ping"}), {});
  EXPECT_TRUE(named.matches(one));
  EXPECT_FALSE(named.matches(other));
  const auto single = compiled(tool_grammar(hermes, tools, {.several = false}), {});
  EXPECT_TRUE(single.matches(other));
  EXPECT_FALSE(single.matches(one + "\n" + other));
  EXPECT_AVOCADO_ERROR(tool_grammar(hermes, tools, {.name = "pong"}), ErrorKind::usage, "pong");
  EXPECT_AVOCADO_ERROR(tool_grammar(hermes, {}), ErrorKind::usage, "no tools");
}

}  // namespace
}  // namespace avocado::chat
