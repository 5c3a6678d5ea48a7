// LFM2: a Python list between tokens.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat lfm2 = {
    .name = "lfm2",
    .recognises = [](std::string_view text) { return has(text, "<|tool_call_start|>"); },
    .thinking = think_tags(),
    .calls = PythonCalls{.open = "<|tool_call_start|>", .close = "<|tool_call_end|>"},
};

}  // namespace avocado::chat::formats
