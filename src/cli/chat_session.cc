#include "cli/chat_session.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/error.h"
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
      engine_(loaded_.engine(arguments.context)),
      sequence_(engine_),
      options_(arguments.options),
      request_(request_of(arguments.request)),
      drafting_(arguments.draft, arguments, tokenizer_) {
  if (!arguments.raw && (!template_text_.empty() || !arguments.template_file.empty()))
    chat_.emplace(tokenizer_, template_text_,
                  arguments.template_file.empty() ? arguments.model : arguments.template_file);
  if (!chats() && !arguments.system.empty())
    fail_usage("--system needs a model with a chat template, and no --raw");
  if (!chats() && arguments.request.needs_template())
    fail_usage(
        "thinking, tools and --overflow drop-oldest need a model with a chat template, and no "
        "--raw");
  if (!arguments.system.empty()) set_system(arguments.system);
  set_constraint(arguments.structure, tokenizer_, options_);
  set_options(options_);
}

void ChatSession::set_options(const GenerateOptions& options) {
  options_ = options;
  options_.speculation = drafting_.speculation(options_.sampling);
}

PreparedChat ChatSession::prepare(const std::string& prompt) const {
  const Room room{engine_.context(), options_.max_tokens, overflow_of(arguments_.request.overflow)};
  if (!chats()) {
    PreparedChat text;
    text.prompt = tokenizer_.encode(prompt, {.bos = true, .special = arguments_.raw});
    text.options = options_;
    text.dropped = fit_text(text.prompt, room);
    return text;
  }
  ChatRequest request = request_;
  request.conversation["messages"] = messages_;
  request.conversation["messages"].push_back(message("user", prompt));
  request.conversation["now"] = now_;
  request.room = room;
  try {
    return chat_->prepare(std::move(request), options_);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::input) throw;
    throw Error(error.kind(), std::string(error.what()) + "; --raw does without the template");
  }
}

Answered ChatSession::answer(const std::string& prompt, const OnEvent& on_event) {
  using Clock = std::chrono::steady_clock;
  PreparedChat prepared = prepare(prompt);
  const std::vector<int32_t>& ids = prepared.prompt;
  Answered result;
  result.dropped = prepared.dropped;
  result.prompt_tokens = ids.size();
  const std::vector<int32_t>& cached = engine_.ids(sequence_);
  const auto [same, end] = std::mismatch(ids.begin(), ids.end(), cached.begin(), cached.end());
  result.reused_tokens = std::min<size_t>(same - ids.begin(), ids.empty() ? 0 : ids.size() - 1);

  std::optional<chat::AnswerParser> parser;
  if (chats()) parser.emplace(chat_->format(), prepared.reading);
  const auto give = [&](const std::vector<chat::AnswerEvent>& events) {
    for (const chat::AnswerEvent& event : events) {
      result.said.add(event);
      on_event(event);
    }
  };
  const auto start = Clock::now();
  auto prompt_end = start;
  GenerateHooks hooks;
  hooks.text = [&](const std::string& piece) {
    give(parser ? parser->push(piece)
                : std::vector{chat::AnswerEvent{chat::AnswerEvent::Kind::content, piece}});
  };
  hooks.interrupted = interrupted;
  hooks.prompt_done = [&] { prompt_end = Clock::now(); };
  result.completion = generate(engine_, sequence_, ids, prepared.options, hooks);
  if (parser) give(parser->finish());
  const auto answer_end = Clock::now();
  result.prompt_seconds = std::chrono::duration<double>(prompt_end - start).count();
  result.answer_seconds = std::chrono::duration<double>(answer_end - prompt_end).count();
  result.context_used =
      ids.size() + result.completion.ids.size() - static_cast<size_t>(result.completion.forgotten);
  const bool nothing =
      result.completion.stop == StopReason::interrupted && result.completion.text.empty();
  if (chats() && !nothing) {
    messages_ = std::move(prepared.messages);
    messages_.push_back(message_of(result.said));
  }
  return result;
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
  if (on && !chat_->thinks()) fail_usage("the chat template of this model knows no thinking");
  request_.effort = on ? Effort::some : Effort::none;
  // A conversation that was loaded may have said otherwise.
  if (request_.conversation.contains("extra"))
    for (const char* name : {"enable_thinking", "thinking", "reasoning", "reasoning_effort"})
      request_.conversation["extra"].erase(name);
}

void ChatSession::set_json_answers(bool on) {
  options_.constraint = nullptr;
  options_.trie = nullptr;
  StructureArguments any;
  any.schema = "{}";
  if (on) set_constraint(any, tokenizer_, options_);
}

ChatSession::Json ChatSession::save() const {
  Json all = {{"messages", messages_}};
  all.update(request_.conversation);  // tools and variables of the template
  if (request_.effort != Effort::as_trained) all["think"] = effort_name(request_.effort);
  all["parameters"] = parameters_json(options_);
  return all;
}

void ChatSession::load(const Json& conversation) {
  if (!conversation.is_object() || !conversation.contains("messages"))
    fail_input("is not a conversation: \"messages\" is missing");
  check_messages(conversation["messages"]);
  ChatRequest request = request_;
  request.conversation.erase("extra");
  if (conversation.contains("extra")) {
    if (!conversation["extra"].is_object()) fail_input("\"extra\" is not an object");
    request.conversation["extra"] = conversation["extra"];
  }
  if (conversation.contains("tools")) {
    chat::read_tools(conversation["tools"]);  // throws when they are none
    request.conversation["tools"] = conversation["tools"];
  }
  if (conversation.contains("think")) {
    if (!conversation["think"].is_string()) fail_input("\"think\" is not a text");
    request.effort = effort_of(conversation["think"].get<std::string>());
  }
  GenerateOptions options = options_;
  if (conversation.contains("parameters")) read_parameters(options, conversation["parameters"]);
  set_options(options);
  messages_ = conversation["messages"];
  request_ = std::move(request);
}

}  // namespace avocado::cli
