#pragma once
// The flags that say how an answer is asked for: thinking, tools, and what becomes of text that
// does not fit into the context.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "infer/chat_model.h"

namespace avocado::cli {

struct RequestArguments {
  std::string think;  // "on", "low", "medium", "high", "off"; empty: as the model was trained
  int64_t thinking_budget = -1;
  std::string tools_file;
  std::string tool_choice = "auto";
  std::string overflow = "refuse";

  // Whether something was asked for that needs a chat template.
  bool needs_template() const;
};

void add_request_arguments(CLI::App& verb, RequestArguments& arguments, GenerateOptions& options);

// "on", "low", "medium", "high" or "off", and back; throws Error(usage) for another.
Effort effort_of(std::string_view name);
const char* effort_name(Effort effort);

// Without messages. Reads the file of tools.
ChatRequest request_of(const RequestArguments& arguments);

// Content, reasoning and tool calls, as the chat completions of OpenAI's interface have them.
nlohmann::ordered_json message_of(const chat::Answer& answer);

// What was cut or forgotten, on standard error; nothing when nothing was.
void tell_dropped(const Dropped& dropped);
// Why the answer ends, when that is neither the model's doing nor the user's.
void tell_stop(const Completion& completion);

}  // namespace avocado::cli
