#pragma once
// A conversation as training sees it: the tokens that inference would see, and which of them the
// assistant says.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "chat/chat_template.h"
#include "text/tokenizer.h"

namespace avocado {

struct LearnedChat {
  std::vector<int32_t> ids;
  std::vector<uint8_t> learn;  // per token, 1: the assistant says it, the end of its turn included
};

// The answers are what stands inside {% generation %}, or, in a template without it, what it adds
// to the prompt that asks for each of them. A token that holds the last byte of the prompt and the
// first one of an answer is learned; what a template writes after the end of a turn is not.
//
// One element, unless the template shows earlier answers otherwise than it did when they were given
// (as those do that leave out old thinking): then one for each answer, with what came before it.
// Throws jinja::Refusal and Error(input) as ChatTemplate::render does; Error(input) when tokens
// cannot be told apart, since the tokenizer changes the text.
std::vector<LearnedChat> learned_chats(const ChatTemplate& chat_template,
                                       const nlohmann::ordered_json& messages,
                                       const Tokenizer& tokenizer);

}  // namespace avocado
