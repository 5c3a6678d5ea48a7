#pragma once
// Text files as training documents.
//
// A file ending in .jsonl holds one document per line, an object with
//   "text"                     learned whole,
//   "prompt" and "completion"  the completion is learned, or
//   "messages"                 a chat of {"role", "content"}: the assistant's turns are learned.
// Any other file is one document, taken byte for byte.

#include <string>
#include <string_view>
#include <vector>

#include "chat/chat_template.h"
#include "text/tokenizer.h"
#include "train/dataset.h"

namespace avocado {

// A stretch of a document: role "text", "prompt" or "completion", or, in a chat, the speaker.
struct Part {
  std::string role;
  std::string content;
};

using SourceDocument = std::vector<Part>;

// Two answers to one prompt; both hold the prompt (train/preference_data.h).
struct PreferencePair {
  SourceDocument chosen, rejected;
};

// Throws Error(input) naming file, line and field.
std::vector<SourceDocument> read_documents(const std::string& path);

// BOS and an end token go around texts. Chats are rendered by the model's template; a conversation
// may give several documents (chat/learned_chat.h). Throws Error(input) that begins with `source`
// when there is no template, or when it refuses the conversation.
std::vector<Document> encode_document(const SourceDocument& document, const Tokenizer& tokenizer,
                                      const ChatTemplate* chat_template, const std::string& source);

}  // namespace avocado
