// Phi 4 mini: a JSON list between tokens, or behind functools.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat phi = {
    .name = "phi",
    .recognises = [](std::string_view text) { return has(text, "<|/tool|>"); },
    .thinking = think_tags(),
    .calls = JsonCalls{.wrappers = {{"<|tool_call|>", "<|/tool_call|>"}, {"functools", ""}},
                       .list = true},
};

}  // namespace avocado::chat::formats
