#include "cli/chat_session.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/error.h"
#include "chat/thinking.h"
#include "cli/interrupts.h"
#include "cli/session_parameters.h"
#include "files/atomic_file.h"

namespace avocado::cli {
namespace {

constexpr uint64_t kLongestTemplate = uint64_t{1} << 20;

std::string clock_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", std::localtime(&now));
  return text;
}

ChatSession::Json message(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

// Thinking goes beside the content: templates that want to see it again take it from there.
ChatSession::Json assistant_message(const chat::Answer& answer) {
  ChatSession::Json said = message("assistant", answer.content);
  if (!answer.reasoning.empty()) said["reasoning_content"] = answer.reasoning;
  return said;
}

bool is_system(const ChatSession::Json& messages) {
  return !messages.empty() && messages[0].value("role", "") == "system";
}

void check_messages(const ChatSession::Json& messages) {
  if (!messages.is_array()) fail_input("\"messages\" is not an array");
  for (const ChatSession::Json& one : messages) {
    if (!one.is_object() || !one.contains("role") || !one["role"].is_string())
      fail_input("a message is not an object with a \"role\"");
  }
}

}  // namespace

ChatSession::ChatSession(const ChatArguments& arguments)
    : arguments_(arguments),
      now_(arguments.now.empty() ? clock_now() : arguments.now),
      loaded_(arguments),
      tokenizer_(loaded_.tokenizer()),
      template_text_(arguments.template_file.empty()
                         ? loaded_.model().chat_template()
                         : read_text_file(arguments.template_file, kLongestTemplate)),
      format_(chat::find_answer_format(template_text_)),
      engine_(loaded_.engine(arguments.context)),
      sequence_(engine_),
      options_(arguments.options),
      drafting_(arguments.draft, arguments, tokenizer_) {
  if (!arguments.raw && (!template_text_.empty() || !arguments.template_file.empty()))
    template_.emplace(template_text_, tokenizer_,
                      arguments.template_file.empty() ? arguments.model : arguments.template_file);
  if (!chats() && !arguments.system.empty())
    fail_usage("--system needs a model with a chat template, and no --raw");
  if (!arguments.system.empty()) set_system(arguments.system);
  set_constraint(arguments.structure, tokenizer_, options_);
  set_options(options_);
}

void ChatSession::set_options(const GenerateOptions& options) {
  options_ = options;
  options_.speculation = drafting_.speculation(options_.sampling);
}

Answered ChatSession::answer(const std::string& prompt, const OnEvent& on_event) {
  using Clock = std::chrono::steady_clock;
  const Json before = messages_;
  try {
    std::vector<int32_t> ids;
    chat::AnswerOptions parsing{.calls = chat::AnswerOptions::Calls::none};
    if (chats()) {
      messages_.push_back(message("user", prompt));
      const Prompt text = rendered();
      parsing.starts_in_thinking = chat::prompt_opens_thinking(format_, text.text);
      ids = tokens_of(text, tokenizer_);
    } else {
      ids = tokenizer_.encode(prompt, {.bos = true, .special = arguments_.raw});
    }
    Answered result;
    result.prompt_tokens = ids.size();
    const std::vector<int32_t>& cached = engine_.ids(sequence_);
    const auto [same, end] = std::mismatch(ids.begin(), ids.end(), cached.begin(), cached.end());
    result.reused_tokens = std::min<size_t>(same - ids.begin(), ids.empty() ? 0 : ids.size() - 1);

    chat::AnswerParser parser(format_, parsing);
    chat::Answer parsed;
    const auto give = [&](const std::vector<chat::AnswerEvent>& events) {
      for (const chat::AnswerEvent& event : events) {
        parsed.add(event);
        on_event(event);
      }
    };
    const auto start = Clock::now();
    auto prompt_end = start;
    GenerateHooks hooks;
    hooks.text = [&](const std::string& piece) {
      if (chats())
        give(parser.push(piece));
      else
        on_event({chat::AnswerEvent::Kind::content, piece});
    };
    hooks.interrupted = interrupted;
    hooks.prompt_done = [&] { prompt_end = Clock::now(); };
    result.completion = generate(engine_, sequence_, ids, options_, hooks);
    if (chats()) give(parser.finish());
    const auto answer_end = Clock::now();
    result.prompt_seconds = std::chrono::duration<double>(prompt_end - start).count();
    result.answer_seconds = std::chrono::duration<double>(answer_end - prompt_end).count();
    result.context_used = ids.size() + result.completion.ids.size();
    if (chats()) {
      const bool nothing =
          result.completion.stop == StopReason::interrupted && result.completion.text.empty();
      if (nothing)
        messages_ = before;
      else
        messages_.push_back(assistant_message(parsed));
    }
    return result;
  } catch (...) {
    messages_ = before;
    throw;
  }
}

std::string ChatSession::system() const {
  const bool text = is_system(messages_) && messages_[0].contains("content") &&
                    messages_[0]["content"].is_string();
  return text ? messages_[0]["content"].get<std::string>() : "";
}

void ChatSession::set_system(const std::string& text) {
  if (is_system(messages_)) messages_.erase(0);
  if (!text.empty()) messages_.insert(messages_.begin(), message("system", text));
}

void ChatSession::clear() {
  const std::string text = system();
  messages_ = Json::array();
  set_system(text);
}

void ChatSession::set_thinking(bool on) {
  for (const std::string& name : chat::template_switches(template_text_)) {
    if (name != "enable_thinking" && name != "thinking") continue;
    extra_[name] = on;
    return;
  }
  fail_usage("the chat template of this model has no switch for thinking");
}

void ChatSession::set_json_answers(bool on) {
  options_.constraint = nullptr;
  options_.trie = nullptr;
  StructureArguments any;
  any.schema = "{}";
  if (on) set_constraint(any, tokenizer_, options_);
}

ChatSession::Json ChatSession::conversation() const {
  Json all = {{"messages", messages_}};
  if (!extra_.empty()) all["extra"] = extra_;
  return all;
}

ChatSession::Json ChatSession::save() const {
  Json all = conversation();
  all["parameters"] = parameters_json(options_);
  return all;
}

void ChatSession::load(const Json& conversation) {
  if (!conversation.is_object() || !conversation.contains("messages"))
    fail_input("is not a conversation: \"messages\" is missing");
  check_messages(conversation["messages"]);
  if (conversation.contains("extra") && !conversation["extra"].is_object())
    fail_input("\"extra\" is not an object");
  GenerateOptions options = options_;
  if (conversation.contains("parameters")) read_parameters(options, conversation["parameters"]);
  set_options(options);
  messages_ = conversation["messages"];
  extra_ = conversation.contains("extra") ? conversation["extra"] : Json::object();
}

Prompt ChatSession::rendered() const {
  Json all = conversation();
  all["add_generation_prompt"] = true;
  all["now"] = now_;
  try {
    return template_->render(all);
  } catch (const Error& error) {
    throw Error(error.kind(), std::string(error.what()) + "; --raw does without the template");
  }
}

}  // namespace avocado::cli
