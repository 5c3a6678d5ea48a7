#pragma once
// A model's chat template over a conversation, as Hugging Face's transformers runs it.

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/template.h"
#include "text/tokenizer.h"

namespace avocado {

struct Prompt {
  std::string text;
  // Ranges of bytes in order, apart from each other. `written`: strings of the conversation came
  // through here, and nothing in them may become a special token. `assistant`: rendered inside
  // {% generation %}, which is what training learns; empty when the template has no such block.
  std::vector<TextRange> written, assistant;
};

class ChatTemplate {
 public:
  // `bos` and `eos` are the spellings of these tokens, empty when the model has none; `name` is
  // used in messages. Throws Error(input) for an empty template and for one that cannot be read.
  ChatTemplate(std::string_view source, std::string bos, std::string eos, std::string name);
  // With the tokens of the tokenizer.
  ChatTemplate(std::string_view source, const Tokenizer& tokenizer, std::string name);

  // The conversation is an object with
  //   messages               array of objects: role, content, tool_calls, ...
  //   tools, documents       arrays; without them the template sees none
  //   add_generation_prompt  the beginning of the answer is wanted, too; default false
  //   extra                  object: further variables of the template, as enable_thinking
  //   bos_token, eos_token   in place of the model's
  //   now                    "2025-07-26T12:34:56", for templates that tell the date
  // Throws jinja::Refusal when the template refuses it, Error(input) for anything else: there is no
  // other format to fall back to.
  Prompt render(const nlohmann::ordered_json& conversation) const;

 private:
  std::string name_, bos_, eos_;
  jinja::Template template_;
};

// The prompt as tokens. Markers of the template become special tokens, what people wrote never
// does. The template writes the beginning-of-text token where the model wants it.
std::vector<int32_t> tokens_of(const Prompt& prompt, const Tokenizer& tokenizer);

// "2025-07-26" or "2025-07-26T12:34:56"; a zone behind it is ignored. Throws Error(usage).
std::tm parse_time(const std::string& iso);

}  // namespace avocado
