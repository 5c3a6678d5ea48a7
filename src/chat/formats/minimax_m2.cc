// MiniMax M2: tags, values as text.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat minimax_m2 = {
    .name = "minimax-m2",
    .recognises = [](std::string_view text) { return has(text, "<minimax:tool_call>"); },
    .thinking = think_tags(),
    .calls = TaggedCalls{.section = "<minimax:tool_call>",
                         .begin = "<invoke name=\"",
                         .name_ends = "\"",
                         .after_name = "\">",
                         .parameter = "<parameter name=\"",
                         .parameter_ends = "\"",
                         .before_value = {"\">"},
                         .after_value = "</parameter>",
                         .end = "</invoke>",
                         .section_end = "</minimax:tool_call>"},
};

}  // namespace avocado::chat::formats
