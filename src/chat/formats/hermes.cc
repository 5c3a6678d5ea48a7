// Hermes 2 Pro and 3, Qwen 2.5 and 3, SmolLM 3, Reka, Granite 4: JSON in tags.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat hermes = {
    .name = "hermes",
    .recognises = [](std::string_view text) { return has(text, "<tool_call>"); },
    .thinking = think_tags(),
    .calls = JsonCalls{.wrappers = {{"<tool_call>", "</tool_call>"}}},
};

}  // namespace avocado::chat::formats
