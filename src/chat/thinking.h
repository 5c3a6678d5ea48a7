#pragma once
// Thinking: whether a prompt has begun it, what it may cost, and what a template can switch.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_format.h"

namespace avocado::chat {

// Whether an answer to this prompt begins inside of thinking: AnswerOptions::starts_in_thinking.
bool prompt_opens_thinking(const AnswerFormat& format, std::string_view rendered_prompt);
// Whether it ends behind thinking, which then does not come again.
bool prompt_closes_thinking(const AnswerFormat& format, std::string_view rendered_prompt);

// Whether a model with this template thinks, or can: the template mentions a mark of it.
bool template_thinks(const AnswerFormat& format, std::string_view chat_template);

// The variables by which a chat template lets a request steer thinking, of those in use:
// enable_thinking, thinking, reasoning, reasoning_effort, thinking_budget. Only what the template
// reads counts, not what it merely sets, nor members of messages.
std::vector<std::string> template_switches(std::string_view chat_template);

}  // namespace avocado::chat
