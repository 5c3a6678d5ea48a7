// Kimi K2: the name with its number is the id.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat kimi_k2 = {
    .name = "kimi-k2",
    .recognises =
        [](std::string_view text) {
          return has(text, "<|tool_calls_section_begin|>") || has(text, "<|im_middle|>");
        },
    .thinking = {.open = {"<think>"},
                 .close = {"</think>"},
                 .force = "</think>",
                 .ended_by_calls = true},
    .calls = NamedCalls{.section = "<|tool_calls_section_begin|>",
                        .begin = "<|tool_call_begin|>",
                        .name_ends = "<{",
                        .after_name = "<|tool_call_argument_begin|>",
                        .after_arguments = {"<|tool_call_end|>"},
                        .section_end = "<|tool_calls_section_end|>",
                        .prefix = "functions.",
                        .numbered = true},
};

}  // namespace avocado::chat::formats
