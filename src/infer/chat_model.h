#pragma once
// From a conversation to what generate() takes: the prompt, what may be answered, how much may be
// thought, and how the answer is read. Made once per model.
//
//   const ChatModel model(tokenizer, template_text, name);
//   PreparedChat chat = model.prepare(request, options);
//   Completion done = generate(engine, sequence, chat.prompt, chat.options);
//   chat::Answer answer = chat::parse_answer(model.format(), chat.reading, done.text);

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chat/answer_parser.h"
#include "chat/chat_template.h"
#include "infer/generate.h"
#include "infer/overflow.h"

namespace avocado {

// How hard the model is to think. Templates that have no levels get budgets for `low` (1024 tokens)
// and `medium` (4096).
enum class Effort { as_trained, none, some, low, medium, high };

struct ChatRequest {
  // What ChatTemplate::render takes; the beginning of the answer is always asked for.
  nlohmann::ordered_json conversation;
  // "auto", "none" (the template sees no tools), "required", or the name of the tool to be called.
  std::string tool_choice = "auto";
  bool several_calls = true;
  Effort effort = Effort::as_trained;
  int64_t thinking_budget = -1;  // tokens of thinking; -1: no limit
  Room room = {};
};

struct PreparedChat {
  std::vector<int32_t> prompt;
  GenerateOptions options;
  chat::AnswerOptions reading;
  nlohmann::ordered_json messages;  // those of the prompt
  Dropped dropped;                  // of the others
};

class ChatModel {
 public:
  // `tokenizer` outlives it; `source` is the text of the template, `name` is used in messages.
  // Throws as ChatTemplate does.
  ChatModel(const Tokenizer& tokenizer, const std::string& source, std::string name);

  const chat::AnswerFormat& format() const { return format_; }
  // Whether the template knows thinking.
  bool thinks() const { return thinks_; }

  // `options` as for generate(), where a constraint is about the content of the answer: it holds
  // from the end of the thinking on. Throws Error(usage) for what cannot be asked of this model,
  // and as ChatTemplate::render does.
  PreparedChat prepare(ChatRequest request, GenerateOptions options) const;

 private:
  void set_switches(const ChatRequest& request, int64_t budget,
                    nlohmann::ordered_json& extra) const;
  int64_t budget_of(const ChatRequest& request) const;
  bool has_switch(std::string_view name) const;
  std::shared_ptr<const grammar::TokenTrie> trie() const;

  const Tokenizer& tokenizer_;
  ChatTemplate template_;
  const chat::AnswerFormat& format_;
  bool thinks_;
  std::vector<std::string> switches_;
  std::vector<int32_t> marks_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const grammar::TokenTrie> trie_;  // made when it is needed
};

}  // namespace avocado
