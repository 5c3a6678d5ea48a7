#pragma once
// A loaded model and what was said with it. Start here: answer().

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "chat/answer_parser.h"
#include "cli/drafting.h"
#include "cli/inference.h"
#include "cli/request.h"
#include "cli/structure.h"
#include "infer/chat_model.h"

namespace avocado::cli {

struct ChatArguments : InferenceArguments {
  std::string system;
  std::string now;            // for templates that tell the date
  std::string template_file;  // in place of the model's own
  bool raw = false;
  DraftArguments draft;
  StructureArguments structure;
  RequestArguments request;
  GenerateOptions options;
};

// One answer, and what it cost.
struct Answered {
  Completion completion;
  chat::Answer said;  // its text; of a chat content, thinking and calls apart
  Dropped dropped;    // of the prompt, since it was too long
  size_t prompt_tokens = 0;
  size_t reused_tokens = 0;  // of the prompt, that were in the cache
  double prompt_seconds = 0, answer_seconds = 0;
  size_t context_used = 0;  // tokens, of context()
};

class ChatSession {
 public:
  using Json = nlohmann::ordered_json;
  // Pieces of the answer as they come: the texts of all but arguments, joined, are
  // Completion::text.
  using OnEvent = std::function<void(const chat::AnswerEvent&)>;

  // `arguments` outlive the session.
  explicit ChatSession(const ChatArguments& arguments);

  // Whether there is a chat template in use; otherwise a prompt is a text to go on with.
  bool chats() const { return chat_.has_value(); }

  // Throws Error with the conversation as it was before. An interrupted answer (interrupts.h) stays
  // in the conversation as far as it came; when nothing came, the prompt leaves it, too. Turns that
  // were dropped are forgotten.
  Answered answer(const std::string& prompt, const OnEvent& on_event);

  // The rest needs chats().
  const Json& messages() const { return messages_; }
  std::string system() const;  // empty: none
  void set_system(const std::string& text);
  void clear();  // all messages but the system's
  // Throws Error(usage) when the template knows no thinking to be switched on.
  void set_thinking(bool on);
  void set_json_answers(bool on);
  // The conversation as `avocado template` reads it, with the parameters added and whether it
  // thinks; and back. What is not named stays. load() throws Error with everything as it was.
  Json save() const;
  void load(const Json& conversation);

  const GenerateOptions& options() const { return options_; }
  void set_options(const GenerateOptions& options);

  const Model& model() const { return loaded_.model(); }
  const std::string& template_text() const { return template_text_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  int64_t context() const { return engine_.context(); }

 private:
  PreparedChat prepare(const std::string& prompt) const;

  const ChatArguments& arguments_;
  const std::string now_;
  LoadedModel loaded_;
  const Tokenizer& tokenizer_;
  const std::string template_text_;
  std::optional<ChatModel> chat_;
  Engine engine_;
  ScopedSequence sequence_;
  GenerateOptions options_;
  ChatRequest request_;  // what is asked for at each answer, without messages
  Json messages_ = Json::array();
  Drafting drafting_;
};

}  // namespace avocado::cli
