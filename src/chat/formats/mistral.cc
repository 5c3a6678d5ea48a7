// Mistral up to tokenizer v7: a JSON list behind a token.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat mistral = {
    .name = "mistral",
    .recognises = [](std::string_view text) { return has(text, "[TOOL_CALLS]"); },
    .thinking = {.open = {"[THINK]"}, .close = {"[/THINK]"}, .force = "[/THINK]"},
    .calls = JsonCalls{.wrappers = {{"[TOOL_CALLS]", ""}}, .list = true},
    .ids = CallIds::letters9,
};

}  // namespace avocado::chat::formats
