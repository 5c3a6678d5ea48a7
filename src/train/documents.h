#pragma once
// Lines of training data as documents, and documents as tokens.
//
// A line is a JSON object with one of
//   "text"                        learned whole;
//   "prompt" and "completion"     the completion is learned;
//   "messages"                    a chat of {"role", "content"}: the assistant's turns are learned;
//   "conversations"               the same as ShareGPT writes it: {"from", "value"}, from "system",
//                                 "human" or "user", "gpt" or "assistant"; a "system" beside it
//                                 comes first;
//   "instruction" and "output"    a question, with "input" behind it when there is one, and its
//                                 answer (Alpaca): a chat; a "system" beside it comes first;
//   "chosen" and "rejected"       a pair for losses on pairs (preference.h), see parse_preference.
// Other fields are ignored.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "chat/chat_template.h"
#include "text/tokenizer.h"
#include "train/data_options.h"
#include "train/data_report.h"
#include "train/dataset.h"
#include "train/text_blocks.h"

namespace avocado {

// A stretch of a document: role "text", "prompt" or "completion", or, in a chat, the speaker.
struct Part {
  std::string role;
  std::string content;

  bool operator==(const Part&) const = default;
};

using SourceDocument = std::vector<Part>;

// The same beginning with an answer that is preferred and with one that is not.
struct PreferencePair {
  SourceDocument chosen, rejected;
};

// What a line cannot be used for; the message names the field.
class LineError : public Error {
 public:
  LineError(LineProblem problem, const std::string& message)
      : Error(ErrorKind::input, message), problem_(problem) {}
  LineProblem problem() const { return problem_; }

 private:
  LineProblem problem_;
};

// A line in the given format, which is neither `plain`, `automatic` nor `preference`. Throws
// LineError.
SourceDocument parse_document(std::string_view line, DocumentFormat format);

// `automatic` becomes `plain` or `jsonl`, by the file's name.
DocumentFormat resolve_format(const std::string& path, DocumentFormat format);

// {"prompt", "chosen", "rejected"}. An answer is a string behind its prompt: texts when that is a
// string, the assistant's next turn when it is a list of messages. Or it is a list of messages
// itself: one that begins with the assistant comes behind the prompt (a list, or a string that the
// user says), any other is the whole conversation and needs no prompt. Throws LineError.
PreferencePair parse_preference(std::string_view line);

// Calls visit(line, documents) for what the lines of a block of a file in a resolved format hold:
// one document, or, of `preference`, the chosen and the rejected one. Lines that hold none go to
// the report.
void parse_block(const TextBlock& block, DocumentFormat format, LineReport& report,
                 const std::function<void(int64_t, std::span<const SourceDocument>)>& visit);

// Numbers that depend on roles and contents alone (their SHA-256), so equal documents have equal
// ones, whatever file and format they are from. Each is for one choice, so that choices are
// independent.
struct DocumentHashes {
  uint64_t split;   // eval_share
  uint64_t copies;  // the part of a weight behind the point
  uint64_t sample;  // what a tokenizer is trained on
};
DocumentHashes document_hashes(const SourceDocument& document);
DocumentHashes document_hashes(std::span<const SourceDocument> pair);
// Whether a hash falls into a share from 0 to 1: hash < share * 2^64.
bool in_share(uint64_t hash, double share);

bool is_chat(const SourceDocument& document);

// BOS and an end token go around texts. Chats are rendered by the model's template; a conversation
// may give several documents (chat/learned_chat.h). Throws Error(input) that begins with `source`
// when there is no template, or when it refuses the conversation.
std::vector<Document> encode_document(const SourceDocument& document, const Tokenizer& tokenizer,
                                      const ChatTemplate* chat_template, const std::string& source);
// The same of an answer of a pair. Of a conversation only the last answer is learned: what both
// share says nothing about which of them is better.
Document encode_answer(const SourceDocument& document, const Tokenizer& tokenizer,
                       const ChatTemplate* chat_template, const std::string& source);

}  // namespace avocado
