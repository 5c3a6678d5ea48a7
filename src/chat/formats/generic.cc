// For templates that say nothing of tools: JSON, bare or in the tags most models know.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat generic = {
    .name = "generic",
    .recognises = [](std::string_view) { return true; },
    .thinking = think_tags(),
    .calls = JsonCalls{.wrappers = {{"<tool_call>", "</tool_call>"}}, .bare = true},
};

}  // namespace avocado::chat::formats
