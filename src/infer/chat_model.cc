#include "infer/chat_model.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/sha256.h"
#include "chat/answer_grammar.h"
#include "chat/marks.h"
#include "chat/thinking.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;
using Calls = chat::AnswerRules::Calls;
using Thinks = chat::AnswerRules::Thinks;

const char* level_name(Effort effort) {
  switch (effort) {
    case Effort::low:
      return "low";
    case Effort::medium:
      return "medium";
    case Effort::high:
      return "high";
    default:
      return nullptr;
  }
}

// The arguments of calls are text in OpenAI's interface; templates want the objects.
void read_arguments(Json& messages) {
  if (!messages.is_array()) return;
  const Json::json_pointer place("/function/arguments");
  for (Json& message : messages) {
    if (!message.is_object() || !message.contains("tool_calls")) continue;
    for (Json& call : message["tool_calls"]) {
      if (!call.contains(place) || !call[place].is_string()) continue;
      Json object = Json::parse(call[place].get_ref<const std::string&>(), nullptr, false);
      if (object.is_object()) call[place] = std::move(object);
    }
  }
}

// No two calls of a conversation have the same id.
uint64_t id_seed(uint64_t seed, std::span<const int32_t> prompt) {
  const Digest digest = Sha256().update(seed).update_array(prompt).digest();
  uint64_t number;
  std::memcpy(&number, digest.data(), sizeof number);
  return number;
}

}  // namespace

ChatModel::ChatModel(const Tokenizer& tokenizer, const std::string& source, std::string name)
    : tokenizer_(tokenizer),
      template_(source, tokenizer, std::move(name)),
      format_(chat::find_answer_format(source)),
      thinks_(chat::template_thinks(format_, source)),
      switches_(chat::template_switches(source)),
      marks_(chat::mark_tokens(tokenizer, format_)) {}

std::shared_ptr<const grammar::TokenTrie> ChatModel::trie() const {
  const std::lock_guard lock(mutex_);
  if (!trie_) trie_ = std::make_shared<grammar::TokenTrie>(tokenizer_);
  return trie_;
}

bool ChatModel::has_switch(std::string_view name) const {
  return std::find(switches_.begin(), switches_.end(), name) != switches_.end();
}

int64_t ChatModel::budget_of(const ChatRequest& request) const {
  if (request.thinking_budget < -1)
    fail_usage("the thinking budget is {}; it must be -1 (no limit) or more",
               request.thinking_budget);
  // Not every template can be told not to think.
  if (request.effort == Effort::none) return 0;
  if (request.thinking_budget >= 0 || has_switch("reasoning_effort"))
    return request.thinking_budget;
  return request.effort == Effort::low ? 1024 : request.effort == Effort::medium ? 4096 : -1;
}

// What the request says itself about the template's variables stands.
void ChatModel::set_switches(const ChatRequest& request, int64_t budget, Json& extra) const {
  const auto set = [&](const char* name, const Json& value) {
    if (has_switch(name) && !extra.contains(name)) extra[name] = value;
  };
  if (request.effort != Effort::as_trained) {
    const bool thinks = request.effort != Effort::none;
    for (const char* name : {"enable_thinking", "thinking", "reasoning"}) set(name, thinks);
  }
  if (const char* level = level_name(request.effort)) set("reasoning_effort", level);
  // Harmony knows no other way to think less.
  if (request.effort == Effort::none && format_.exact_space) set("reasoning_effort", "low");
  if (budget >= 0) set("thinking_budget", budget);
}

PreparedChat ChatModel::prepare(ChatRequest request, GenerateOptions options) const {
  Json& conversation = request.conversation;
  if (!conversation.is_object() || !conversation.contains("messages"))
    fail_usage("a conversation is an object with messages");
  const int64_t budget = budget_of(request);
  conversation["add_generation_prompt"] = true;
  if (!conversation.contains("extra")) conversation["extra"] = Json::object();
  if (conversation["extra"].is_object()) set_switches(request, budget, conversation["extra"]);

  chat::AnswerRules rules;
  if (conversation.contains("tools") && !conversation["tools"].is_null())
    rules.tools = chat::read_tools(conversation["tools"]);
  if (request.tool_choice == "none") {
    conversation.erase("tools");
    rules.tools.clear();
  } else if (request.tool_choice != "auto") {
    rules.calls = Calls::must;
    if (request.tool_choice != "required") rules.choice.name = request.tool_choice;
  } else if (!rules.tools.empty()) {
    rules.calls = Calls::may;
  }
  rules.choice.several = request.several_calls;
  rules.content = options.constraint;

  PreparedChat chat;
  std::string text;
  const auto render = [&](const Json& messages) {
    conversation["messages"] = messages;
    const Prompt prompt = template_.render(conversation);
    text = prompt.text;
    return tokens_of(prompt, tokenizer_);
  };
  chat.messages = conversation["messages"];
  read_arguments(chat.messages);
  chat.prompt = render(chat.messages);
  chat.dropped = fit_turns(chat.messages, chat.prompt, request.room, render);

  const bool opened = chat::prompt_opens_thinking(format_, text);
  const bool thinks = thinks_ || opened;
  if (request.effort > Effort::none && !thinks)
    fail_usage("the model's chat template knows no thinking");
  rules.thinks =
      opened ? Thinks::inside
      : !thinks || request.effort == Effort::none || chat::prompt_closes_thinking(format_, text)
          ? Thinks::no
          : Thinks::may;

  chat.reading.tools = rules.tools;
  chat.reading.starts_in_thinking = opened;
  chat.reading.id_seed = id_seed(options.sampling.seed, chat.prompt);
  if (rules.tools.empty()) chat.reading.calls = chat::AnswerOptions::Calls::none;

  options.shown.insert(options.shown.end(), marks_.begin(), marks_.end());
  if (thinks && budget >= 0 && !format_.thinking.force.empty())
    options.thinking = ThinkingBudget{budget, &format_, chat.reading,
                                      std::string(chat::thinking_ending(format_, rules))};
  options.constraint = chat::answer_constraint(format_, tokenizer_, rules);
  if (options.constraint && !options.trie) options.trie = trie();
  chat.options = std::move(options);
  return chat;
}

}  // namespace avocado
