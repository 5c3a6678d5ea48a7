#pragma once
// How a conversation becomes tokens. A model says it with a Jinja template; here the common ones
// are recognised by their text and written out directly. Markers such as <|im_start|> become the
// tokens of that name; what people write is always plain text, never read as a marker.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace avocado {

struct ChatMessage {
  std::string role;  // "system" (first only), "user", "assistant"
  std::string content;
};

struct ChatFormat {
  const char* name;
  const char* end;  // the token that ends an answer; null: the tokenizer's EOS
  bool (*recognises)(std::string_view chat_template);
  // The whole conversation, with the beginning of the answer that is wanted next.
  std::vector<int32_t> (*render)(const Tokenizer& tokenizer, std::string_view chat_template,
                                 const std::vector<ChatMessage>& messages);
};

const std::vector<ChatFormat>& chat_formats();

// The format of a model's template; null for an empty template (a base model has none). Throws
// Error(input) for a template that is none of chat_formats().
const ChatFormat* find_chat_format(std::string_view chat_template);

// Throws Error(usage) for roles out of order, Error(input) when the tokenizer lacks a marker.
std::vector<int32_t> render_chat(const ChatFormat& format, const Tokenizer& tokenizer,
                                 std::string_view chat_template,
                                 const std::vector<ChatMessage>& messages);

// A template of the Llama 3 format for files this program writes, so that other programs can use
// them.
extern const std::string_view kLlama3Template;

}  // namespace avocado
