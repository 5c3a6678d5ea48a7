// GLM 4.5 and later: keys and values in tags of their own.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat glm = {
    .name = "glm",
    .recognises = [](std::string_view text) { return has(text, "<arg_key>"); },
    .thinking = {.open = {"<think>"}, .close = {"</think>"}, .force = "</think>"},
    .calls = TaggedCalls{.section = "<tool_call>",
                         .name_ends = "<\n",
                         .parameter = "<arg_key>",
                         .parameter_ends = "<",
                         .before_value = {"</arg_key>", "<arg_value>"},
                         .after_value = "</arg_value>",
                         .section_end = "</tool_call>",
                         .one_each = true},
};

}  // namespace avocado::chat::formats
