#pragma once
// Pairs of answers from text files. A .jsonl file holds one pair per line, an object with "prompt",
// "chosen" and "rejected", in one of two forms:
//   all three are strings: plain text, of which the answers are learned, or
//   "prompt" is a list of {"role", "content"}, as in a chat, and each answer the content of the
//   assistant's next turn, a string or a list with that one turn.

#include <string>
#include <string_view>
#include <vector>

#include "train/documents.h"

namespace avocado {

// Throws Error(input) naming `source` and the field.
PreferencePair parse_preference_pair(std::string_view line, const std::string& source);
// Throws Error(input) naming file, line and field.
std::vector<PreferencePair> read_preference_pairs(const std::string& path);

// Of a conversation only the last answer is learned: what both share says nothing about which of
// them is better. Throws as encode_document does.
DocumentPair encode_pair(const PreferencePair& pair, const Tokenizer& tokenizer,
                         const ChatTemplate* chat_template, const std::string& source);

}  // namespace avocado
