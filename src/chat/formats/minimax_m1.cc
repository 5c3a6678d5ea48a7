// MiniMax M1: JSON objects, a line each, in one pair of tags.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat minimax_m1 = {
    .name = "minimax-m1",
    .recognises = [](std::string_view text) { return has(text, "<tool_calls>"); },
    .thinking = think_tags(),
    .calls = JsonCalls{.wrappers = {{"<tool_calls>", "</tool_calls>"}}, .in_one = true},
};

}  // namespace avocado::chat::formats
