// Command R7B, Command A and later: marks around thinking, actions and the response.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat command_r7b = {
    .name = "command-r7b",
    .recognises = [](std::string_view text) { return has(text, "<|START_ACTION|>"); },
    .thinking = {.open = {"<|START_THINKING|>"},
                 .close = {"<|END_THINKING|>"},
                 .force = "<|END_THINKING|>",
                 .ended_by_calls = true},
    .calls = JsonCalls{.wrappers = {{"<|START_ACTION|>", "<|END_ACTION|>"}},
                       .name_key = "tool_name",
                       .arguments_key = "parameters",
                       .list = true},
    .dropped = {"<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"},
};

}  // namespace avocado::chat::formats
