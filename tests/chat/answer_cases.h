#pragma once
// Answers of models and what they say: tests/chat/answers/FORMAT.json. To add a case, add text.
//
//   {"format": name, "cases": [{"name", "text", "content", "reasoning",
//     "calls": [{"name", "arguments", "id"}], "options": {...}}, ...]}
// What is left out is empty; an id that is left out may be any. Options: starts_in_thinking,
// keep_thinking (thinking is content), calls_off, any_name. The tools are those of chat/tools.json.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chat/answer_parser.h"
#include "files/atomic_file.h"

namespace avocado::test {

struct AnswerCase {
  std::string name;
  const chat::AnswerFormat* format = nullptr;
  chat::AnswerOptions options;
  std::string text, content, reasoning;
  nlohmann::ordered_json calls;
};

inline std::vector<chat::Tool> answer_tools(const std::filesystem::path& tests) {
  return chat::read_tools(
      nlohmann::ordered_json::parse(read_text_file((tests / "chat/tools.json").string())));
}

inline std::vector<AnswerCase> answer_cases(const std::filesystem::path& tests) {
  using Json = nlohmann::ordered_json;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(tests / "chat/answers"))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());

  std::vector<AnswerCase> cases;
  for (const auto& path : files) {
    const Json file = Json::parse(read_text_file(path.string()));
    const std::string format = file.at("format");
    for (const Json& json : file.at("cases")) {
      AnswerCase one;
      one.name = format + ": " + json.at("name").get<std::string>();
      one.format = &chat::answer_format(format);
      one.options.tools = answer_tools(tests);
      const Json options = json.value("options", Json::object());
      one.options.starts_in_thinking = options.value("starts_in_thinking", false);
      if (options.value("keep_thinking", false))
        one.options.reasoning = chat::AnswerOptions::Reasoning::none;
      if (options.value("calls_off", false)) one.options.calls = chat::AnswerOptions::Calls::none;
      if (options.value("any_name", false)) one.options.calls = chat::AnswerOptions::Calls::any;
      one.text = json.at("text");
      one.content = json.value("content", "");
      one.reasoning = json.value("reasoning", "");
      one.calls = json.value("calls", Json::array());
      cases.push_back(std::move(one));
    }
  }
  return cases;
}

}  // namespace avocado::test
