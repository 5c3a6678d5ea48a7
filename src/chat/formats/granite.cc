// Granite 3: a JSON list behind a token; thinking in tags (3.3) or behind a sentence (3.2).

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat granite = {
    .name = "granite",
    .recognises =
        [](std::string_view text) {
          return has(text, "<|start_of_role|>") && has(text, "<|tool_call|>");
        },
    .thinking = {.open = {"<think>", "Here is my thought process:", "Here's my thought process:"},
                 .close = {"</think>", "Here is my response:", "Here's my response:"},
                 .force = "</think>\n"},
    .calls = JsonCalls{.wrappers = {{"<|tool_call|>", ""}, {"<tool_call>", "</tool_call>"}},
                       .list = true},
    .dropped = {"<response>", "</response>"},
};

}  // namespace avocado::chat::formats
