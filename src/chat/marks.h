#pragma once
// Marks such as <think> or <|channel|>, as a vocabulary writes them: control tokens, which stand
// for no text, or text that any tokens may spell.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_format.h"
#include "text/tokenizer.h"

namespace avocado::chat {

// The marks of a format that are control tokens: an answer's text must show them
// (GenerateOptions::shown).
std::vector<int32_t> mark_tokens(const Tokenizer& tokenizer, const AnswerFormat& format);

// The bytes that constraints see (grammar::token_code for control tokens).
std::string mark_bytes(const Tokenizer& tokenizer, std::string_view mark);

// GBNF for it, with a space behind, so that pieces can be put one after the other. Without a
// tokenizer all of it is text.
std::string mark_gbnf(const Tokenizer* tokenizer, std::string_view mark);

}  // namespace avocado::chat
