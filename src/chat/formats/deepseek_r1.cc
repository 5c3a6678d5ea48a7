// DeepSeek V3 and R1: the type and the name, then the arguments in a fenced block.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat deepseek_r1 = {
    .name = "deepseek-r1",
    .recognises =
        [](std::string_view text) { return has(text, "<｜tool▁sep｜>") && has(text, "```json"); },
    .thinking = {.open = {"<think>"},
                 .close = {"</think>"},
                 .force = "\n</think>\n\n",
                 .ended_by_calls = true},
    .calls = NamedCalls{.section = "<｜tool▁calls▁begin｜>",
                        .begin = "<｜tool▁call▁begin｜>",
                        .before_name = "function<｜tool▁sep｜>",
                        .name_ends = "\n`{",
                        .after_name = "```json",
                        .after_arguments = {"```", "<｜tool▁call▁end｜>"},
                        .section_end = "<｜tool▁calls▁end｜>"},
};

}  // namespace avocado::chat::formats
