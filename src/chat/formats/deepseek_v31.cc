// DeepSeek V3.1: as V3, without the type and the fence.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat deepseek_v31 = {
    .name = "deepseek-v3.1",
    .recognises = [](std::string_view text) { return has(text, "<｜tool▁sep｜>"); },
    .thinking = {.open = {"<think>"},
                 .close = {"</think>"},
                 .force = "</think>",
                 .ended_by_calls = true},
    .calls = NamedCalls{.section = "<｜tool▁calls▁begin｜>",
                        .begin = "<｜tool▁call▁begin｜>",
                        .name_ends = "<{",
                        .after_name = "<｜tool▁sep｜>",
                        .after_arguments = {"<｜tool▁call▁end｜>"},
                        .section_end = "<｜tool▁calls▁end｜>"},
};

}  // namespace avocado::chat::formats
