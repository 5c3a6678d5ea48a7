#include "cli/request.h"

#include <cstdio>
#include <utility>

#include "base/error.h"
#include "cli/input.h"
#include "files/json.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

constexpr std::pair<Effort, const char*> kEfforts[] = {{Effort::none, "off"},
                                                       {Effort::some, "on"},
                                                       {Effort::low, "low"},
                                                       {Effort::medium, "medium"},
                                                       {Effort::high, "high"}};

}  // namespace

bool RequestArguments::needs_template() const {
  return !think.empty() || thinking_budget >= 0 || !tools_file.empty() || tool_choice != "auto" ||
         overflow == "drop-oldest";
}

void add_request_arguments(CLI::App& verb, RequestArguments& arguments, GenerateOptions& options) {
  const char* chat = "Thinking and tools, with a chat template";
  CLI::Option* think =
      verb.add_flag("--think{on}", arguments.think,
                    "Think before the answer; --think=low, medium or high says how much")
          ->check(CLI::IsMember({"on", "low", "medium", "high"}))
          ->group(chat);
  verb.add_flag("--no-think{off}", arguments.think, "Do not think")->excludes(think)->group(chat);
  verb.add_option("--thinking-budget", arguments.thinking_budget,
                  "Tokens of thinking, then it has to end; -1: no limit")
      ->check(CLI::Range(int64_t{-1}, int64_t{1} << 40))
      ->group(chat);
  verb.add_option("--tools", arguments.tools_file,
                  "A JSON list of tools that the model may call, as in OpenAI's interface; -: "
                  "standard input")
      ->group(chat);
  verb.add_option("--tool-choice", arguments.tool_choice,
                  "auto, none, required, or the name of the tool to call")
      ->capture_default_str()
      ->group(chat);

  const char* room = "Text that does not fit into the context";
  verb.add_option(
          "--overflow", arguments.overflow,
          "What becomes of a prompt that is too long: refuse, drop-oldest (whole turns of a "
          "conversation), cut-middle (of a text)")
      ->check(CLI::IsMember({"refuse", "drop-oldest", "cut-middle"}))
      ->capture_default_str()
      ->group(room);
  CLI::Option* shift =
      verb.add_flag("--context-shift", options.context_shift,
                    "When the context is full, forget the oldest half of it and go on")
          ->group(room);
  verb.add_option("--keep", options.keep, "but not the first so many tokens")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->needs(shift)
      ->group(room);
}

Effort effort_of(std::string_view name) {
  for (const auto& [effort, its_name] : kEfforts)
    if (name == its_name) return effort;
  fail_usage("thinking is {}; it can be on, low, medium, high or off", printable(name));
}

const char* effort_name(Effort effort) {
  for (const auto& [one, name] : kEfforts)
    if (one == effort) return name;
  return "";
}

ChatRequest request_of(const RequestArguments& arguments) {
  ChatRequest request;
  if (!arguments.think.empty()) request.effort = effort_of(arguments.think);
  request.thinking_budget = arguments.thinking_budget;
  request.tool_choice = arguments.tool_choice;
  request.conversation = nlohmann::ordered_json::object();
  if (!arguments.tools_file.empty()) {
    auto tools =
        parse_ordered_json(read_bytes(arguments.tools_file), printable(arguments.tools_file));
    chat::read_tools(tools);  // throws when they are none
    request.conversation["tools"] = std::move(tools);
  }
  return request;
}

nlohmann::ordered_json message_of(const chat::Answer& answer) {
  nlohmann::ordered_json message = {{"role", "assistant"}, {"content", answer.content}};
  if (!answer.reasoning.empty()) message["reasoning_content"] = answer.reasoning;
  for (const chat::Answer::Call& call : answer.calls) {
    message["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return message;
}

void tell_dropped(const Dropped& dropped) {
  if (dropped.turns > 0) {
    std::fprintf(
        stderr, "the oldest %lld turns (%lld messages, %lld tokens) did not fit and were dropped\n",
        static_cast<long long>(dropped.turns), static_cast<long long>(dropped.messages),
        static_cast<long long>(dropped.tokens));
  } else if (dropped.tokens > 0) {
    std::fprintf(stderr, "%lld tokens from the middle of the prompt did not fit and were cut out\n",
                 static_cast<long long>(dropped.tokens));
  }
}

void tell_stop(const Completion& completion) {
  if (completion.forgotten > 0) {
    std::fprintf(stderr, "the context was full: its oldest %lld tokens were forgotten\n",
                 static_cast<long long>(completion.forgotten));
  }
  if (completion.stop == StopReason::context_full)
    std::fputs("the answer ends here because the context is full (--ctx, --context-shift)\n",
               stderr);
  if (completion.stop == StopReason::grammar_limit)
    std::fputs("the answer ends here because its grammar has grown too large to be followed\n",
               stderr);
}

}  // namespace avocado::cli
