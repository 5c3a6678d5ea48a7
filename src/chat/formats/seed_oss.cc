// Seed-OSS: the tags of Qwen 3 Coder, without the lines.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat seed_oss = {
    .name = "seed-oss",
    .recognises = [](std::string_view text) { return has(text, "<seed:tool_call>"); },
    .thinking = {.open = {"<seed:think>"}, .close = {"</seed:think>"}, .force = "</seed:think>"},
    .calls = TaggedCalls{.section = "<seed:tool_call>",
                         .begin = "<function=",
                         .name_ends = ">",
                         .after_name = ">",
                         .parameter = "<parameter=",
                         .parameter_ends = ">",
                         .before_value = {">"},
                         .after_value = "</parameter>",
                         .end = "</function>",
                         .section_end = "</seed:tool_call>",
                         .one_each = true},
};

}  // namespace avocado::chat::formats
