#include "cli/repl_commands.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "cli/session_parameters.h"

namespace avocado::cli {
namespace {

std::string refusal(std::string_view line) {
  try {
    parse_command(line);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "";
}

bool has(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

TEST(ReplCommands, AreFoundByTheirWords) {
  const CommandLine set = parse_command("/set   parameter\ttemperature  0.5 ");
  EXPECT_EQ(set.command->name, "/set parameter");
  EXPECT_EQ(set.argument, "temperature  0.5");
  EXPECT_EQ(parse_command("/set system a\nb").argument, "a\nb");
  EXPECT_EQ(parse_command("/bye").command->name, "/bye");
  EXPECT_EQ(parse_command("/? set").argument, "set");
  // Every one of them, as its help writes it.
  for (const Command& command : commands()) {
    const std::string line = std::string(command.name) + " " + std::string(command.argument);
    EXPECT_EQ(parse_command(line).command, &command) << line;
  }
}

TEST(ReplCommands, WhatIsNoneNamesTheNearest) {
  EXPECT_EQ(refusal("/bey"), "there is no command /bey; the nearest is /bye, and /? lists all");
  EXPECT_NE(refusal("/set verbos").find("the nearest is /set verbose"), std::string::npos);
  EXPECT_NE(refusal("/show").find("/? show"), std::string::npos);
  EXPECT_NE(refusal("/").find("there is no command /"), std::string::npos);
  EXPECT_EQ(refusal("/save"), "it is written /save FILE");
  EXPECT_EQ(refusal("/clear all"), "it is written /clear");
  EXPECT_EQ(refusal("/x\x1b[2J").find('\x1b'), std::string::npos);
}

TEST(ReplCommands, TabCompletes) {
  EXPECT_EQ(complete_command("/set par"), std::vector<std::string>{"/set parameter "});
  EXPECT_TRUE(has(complete_command("/s"), "/show info"));
  EXPECT_TRUE(has(complete_command("/set parameter t"), "/set parameter top_k"));
  EXPECT_TRUE(has(complete_command("/help /b"), "/help /bye"));
  EXPECT_TRUE(complete_command("hello").empty());
  EXPECT_TRUE(complete_command("/load x").empty());
}

TEST(SessionParameters, AreSetByName) {
  GenerateOptions options;
  set_parameter(options, "temperature", "0.25");
  set_parameter(options, "top_k", "7");
  set_parameter(options, "seed", "18446744073709551615");
  set_parameter(options, "num_predict", "-1");
  set_parameter(options, "stop", "two words");
  set_parameter(options, "samplers", "top_k;temperature");
  EXPECT_EQ(options.sampling.temperature, 0.25f);
  EXPECT_EQ(options.sampling.top_k, 7);
  EXPECT_EQ(options.sampling.seed, UINT64_MAX);
  EXPECT_EQ(options.stop_strings, std::vector<std::string>{"two words"});
  EXPECT_EQ(options.sampling.samplers, (std::vector<std::string>{"top_k", "temperature"}));
  set_parameter(options, "stop", R"("a" "b c")");
  EXPECT_EQ(options.stop_strings, (std::vector<std::string>{"a", "b c"}));
}

TEST(SessionParameters, RefusesWhatIsNoValue) {
  const std::pair<const char*, const char*> wrong[] = {
      {"temperature", "warm"}, {"temperature", "-1"}, {"temperature", "nan"},   {"temperature", ""},
      {"temperature", "1e60"}, {"top_k", "1.5"},      {"top_k", "99999999999"}, {"seed", "-1"},
      {"num_predict", "-2"},   {"stop", "\"open"},    {"stop", "\"\""},         {"stop", ""},
      {"samplers", "tail"},    {"top_p", "2"},        {"temprature", "1"}};
  for (const auto& [name, value] : wrong) {
    GenerateOptions options;
    EXPECT_THROW(set_parameter(options, name, value), Error) << name << " " << value;
    EXPECT_EQ(parameters_json(options), parameters_json({})) << name;
  }
  GenerateOptions options;
  try {
    set_parameter(options, "temprature", "1");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("temperature"), std::string::npos) << error.what();
  }
}

TEST(SessionParameters, SurviveJson) {
  GenerateOptions options, back;
  set_parameter(options, "temperature", "0.1");
  set_parameter(options, "seed", "18446744073709551615");
  set_parameter(options, "stop", "\"a\" \"b\"");
  set_parameter(options, "mirostat", "2");
  const nlohmann::ordered_json json = parameters_json(options);
  EXPECT_NE(json.dump().find("\"temperature\":0.1,"), std::string::npos) << json.dump();
  read_parameters(back, nlohmann::ordered_json::parse(json.dump()));
  EXPECT_EQ(parameters_json(back), json);
  EXPECT_EQ(back.sampling.temperature, 0.1f);
  for (const char* wrong : {"[]", "{\"top_k\": \"1\"}", "{\"top_k\": 1e99}", "{\"x\": 1}",
                            "{\"top_k\": 1, \"stop\": [\"\"]}", "{\"seed\": -1}"}) {
    EXPECT_THROW(read_parameters(back, nlohmann::ordered_json::parse(wrong)), Error) << wrong;
    EXPECT_EQ(parameters_json(back), json);
  }
}

}  // namespace
}  // namespace avocado::cli
