// DeepSeek V4: tags that say of each parameter whether it is a string or JSON.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat deepseek_v4 = {
    .name = "deepseek-v4",
    .recognises = [](std::string_view text) { return has(text, "｜DSML｜"); },
    .thinking = {.open = {"<think>"},
                 .close = {"</think>"},
                 .force = "</think>",
                 .ended_by_calls = true},
    .calls = TaggedCalls{.section = "<｜DSML｜tool_calls>",
                         .begin = "<｜DSML｜invoke name=\"",
                         .name_ends = "\"",
                         .after_name = "\">",
                         .parameter = "<｜DSML｜parameter name=\"",
                         .parameter_ends = "\"",
                         .before_value = {"\" string=\"true\">"},
                         .before_json = "\" string=\"false\">",
                         .after_value = "</｜DSML｜parameter>",
                         .end = "</｜DSML｜invoke>",
                         .section_end = "</｜DSML｜tool_calls>"},
};

}  // namespace avocado::chat::formats
