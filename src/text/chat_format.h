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

struct ChatTokens {
  std::vector<int32_t> ids;
  std::vector<uint8_t> answer;  // per token, 1: the assistant says it, the end of its turn included
};

struct ChatFormat {
  const char* name;
  const char* end;  // the token that ends an answer; null: the tokenizer's EOS
  bool (*recognises)(std::string_view chat_template);
  // The whole conversation and, when its last word is the user's, the beginning of the answer that
  // is wanted next.
  ChatTokens (*render)(const Tokenizer& tokenizer, std::string_view chat_template,
                       const std::vector<ChatMessage>& messages);
};

const std::vector<ChatFormat>& chat_formats();

// The format of a model's template; null for an empty template (a base model has none). Throws
// Error(input) for a template that is none of chat_formats().
const ChatFormat* find_chat_format(std::string_view chat_template);

// A conversation that ends with the user, to be answered. Throws Error(usage) for roles out of
// order, Error(input) when the tokenizer lacks a marker.
std::vector<int32_t> render_chat(const ChatFormat& format, const Tokenizer& tokenizer,
                                 std::string_view chat_template,
                                 const std::vector<ChatMessage>& messages);

// A conversation to learn from; it may end with either side. Throws as above.
ChatTokens render_chat_to_learn(const ChatFormat& format, const Tokenizer& tokenizer,
                                std::string_view chat_template,
                                const std::vector<ChatMessage>& messages);

// The Llama 3 format for models made by this program: its special tokens, and a template so that
// other programs can use the files.
extern const std::vector<std::string> kLlama3SpecialTokens;
extern const std::string_view kLlama3Template;

}  // namespace avocado
