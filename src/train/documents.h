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

#include "text/tokenizer.h"
#include "train/dataset.h"

namespace avocado {

// A stretch of a document: role "text", "prompt" or "completion", or, in a chat, the speaker.
struct Part {
  std::string role;
  std::string content;
};

using SourceDocument = std::vector<Part>;

// Throws Error(input) naming file, line and field.
std::vector<SourceDocument> read_documents(const std::string& path);

// BOS and an end token go around texts. Chats are rendered as the model's chat template says
// (text/chat_format.h); `source` names the document when that cannot be done.
Document encode_document(const SourceDocument& document, const Tokenizer& tokenizer,
                         std::string_view chat_template, const std::string& source);

}  // namespace avocado
