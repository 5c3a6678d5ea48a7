#include "chat/chat_template.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "files/printable.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

std::string_view required_template(std::string_view source, const std::string& name) {
  if (source.empty()) {
    fail_input("{}: has no chat template; give one in a file, or use the model without a chat",
               name);
  }
  return source;
}

void check_field(const Json& conversation, const char* field, bool (Json::*is)() const noexcept,
                 const char* what) {
  if (conversation.contains(field) && !conversation[field].is_null() &&
      !(conversation[field].*is)())
    fail_usage("conversation: \"{}\" is not {}", field, what);
}

void check(const Json& conversation) {
  static constexpr std::array kFields = {
      "messages",  "tools",     "documents", "extra",
      "bos_token", "eos_token", "now",       "add_generation_prompt"};
  if (!conversation.is_object()) fail_usage("conversation: is not a JSON object");
  for (const auto& [key, value] : conversation.items()) {
    if (std::find(kFields.begin(), kFields.end(), key) == kFields.end()) {
      fail_usage("conversation: \"{}\" is not known; variables of the template go into \"extra\"",
                 printable(key));
    }
  }
  if (!conversation.contains("messages")) fail_usage("conversation: \"messages\" is missing");
  if (!conversation["messages"].is_array())
    fail_usage("conversation: \"messages\" is not an array");
  for (const Json& message : conversation["messages"])
    if (!message.is_object()) fail_usage("conversation: a message is not an object");
  check_field(conversation, "tools", &Json::is_array, "an array");
  check_field(conversation, "documents", &Json::is_array, "an array");
  check_field(conversation, "extra", &Json::is_object, "an object");
  check_field(conversation, "bos_token", &Json::is_string, "a string");
  check_field(conversation, "eos_token", &Json::is_string, "a string");
  check_field(conversation, "now", &Json::is_string, "a string");
  check_field(conversation, "add_generation_prompt", &Json::is_boolean, "true or false");
}

// Where spans have this origin.
std::vector<TextRange> ranges(const std::vector<jinja::Span>& spans, jinja::Origin origin) {
  std::vector<TextRange> found;
  for (const jinja::Span& span : spans) {
    if (!(span.origin & origin)) continue;
    if (!found.empty() && found.back().end == span.begin) {
      found.back().end = span.end;
    } else {
      found.push_back({span.begin, span.end});
    }
  }
  return found;
}

std::string spelling(const Tokenizer& tokenizer, int32_t id) {
  return id < 0 ? std::string() : std::string(tokenizer.token_text(id));
}

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source, std::string bos, std::string eos,
                           std::string name)
    : name_(std::move(name)),
      bos_(std::move(bos)),
      eos_(std::move(eos)),
      template_(required_template(source, name_), name_) {}

ChatTemplate::ChatTemplate(std::string_view source, const Tokenizer& tokenizer, std::string name)
    : ChatTemplate(source, spelling(tokenizer, tokenizer.bos()),
                   spelling(tokenizer, tokenizer.eos()), std::move(name)) {}

Prompt ChatTemplate::render(const Json& conversation) const {
  check(conversation);
  // As in transformers, `tools` and `documents` are always there, and none when not given.
  Json fixed = {{"tools", nullptr}, {"documents", nullptr}, {"add_generation_prompt", false}};
  if (!bos_.empty()) fixed["bos_token"] = bos_;
  if (!eos_.empty()) fixed["eos_token"] = eos_;
  std::vector<jinja::Variable> variables;
  const auto is_own = [](std::string_view name) {
    return name == "bos_token" || name == "eos_token";
  };
  for (const auto& [name, value] : fixed.items())
    if (!conversation.contains(name)) variables.push_back({name, &value, 0});
  for (const auto& [name, value] : conversation.items())
    if (name != "extra" && name != "now")
      variables.push_back({name, &value, is_own(name) ? jinja::Origin{0} : jinja::kWritten});
  if (conversation.contains("extra") && conversation["extra"].is_object()) {
    for (const auto& [name, value] : conversation["extra"].items())
      variables.push_back({name, &value, jinja::kWritten});
  }
  std::optional<std::tm> now;
  if (conversation.contains("now") && conversation["now"].is_string())
    now = parse_time(conversation["now"].get<std::string>());

  jinja::Rendered rendered = template_.render(variables, now);
  return {std::move(rendered.text), ranges(rendered.spans, jinja::kWritten),
          ranges(rendered.spans, jinja::kSaid)};
}

std::vector<int32_t> tokens_of(const Prompt& prompt, const Tokenizer& tokenizer) {
  return tokenizer.encode(prompt.text, {.special = true, .plain = prompt.written});
}

std::tm parse_time(const std::string& iso) {
  std::tm time{};
  int read = 0;
  const int fields =
      std::sscanf(iso.c_str(), "%4d-%2d-%2d%n", &time.tm_year, &time.tm_mon, &time.tm_mday, &read);
  bool good = fields == 3;
  if (good && read < static_cast<int>(iso.size())) {
    int seconds = 0;
    const int clock = std::sscanf(iso.c_str() + read, "%*1[T ]%2d:%2d:%2d%n", &time.tm_hour,
                                  &time.tm_min, &time.tm_sec, &seconds);
    good = clock == 3;
  }
  good = good && time.tm_year >= 1900 && time.tm_mon >= 1 && time.tm_mon <= 12 &&
         time.tm_mday >= 1 && time.tm_mday <= 31 && time.tm_hour >= 0 && time.tm_hour < 24 &&
         time.tm_min >= 0 && time.tm_min < 60 && time.tm_sec >= 0 && time.tm_sec <= 60;
  if (!good) fail_usage("{} is not a time; write it as 2025-07-26T12:34:56", printable(iso));
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  ::timegm(&time);  // fills in the days of the week and of the year
  return time;
}

}  // namespace avocado
