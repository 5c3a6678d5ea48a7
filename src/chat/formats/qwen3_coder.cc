// Qwen 3 Coder and 3.5, Nemotron 3, Step 3.5: tags, a value on lines of its own.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat qwen3_coder = {
    .name = "qwen3-coder",
    .recognises =
        [](std::string_view text) { return has(text, "<function=") && has(text, "<parameter="); },
    .thinking = think_tags(),
    .calls = TaggedCalls{.section = "<tool_call>",
                         .begin = "<function=",
                         .name_ends = ">",
                         .after_name = ">",
                         .parameter = "<parameter=",
                         .parameter_ends = ">",
                         .before_value = {">"},
                         .after_value = "</parameter>",
                         .end = "</function>",
                         .section_end = "</tool_call>",
                         .one_each = true,
                         .own_lines = true},
};

}  // namespace avocado::chat::formats
