// Apriel: reasoning first, without a mark, then the answer between brackets; calls as a JSON list.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat apriel = {
    .name = "apriel",
    .recognises = [](std::string_view text) { return has(text, "[BEGIN FINAL RESPONSE]"); },
    .thinking = {.open = {"Here are my reasoning steps:", "<thinking>"},
                 .close = {"[BEGIN FINAL RESPONSE]", "</thinking>"},
                 .force = "\n[BEGIN FINAL RESPONSE]\n",
                 .implicit = true,
                 .ended_by_calls = true},
    .calls = JsonCalls{.wrappers = {{"<tool_calls>", "</tool_calls>"}}, .list = true},
    .dropped = {"[END FINAL RESPONSE]"},
};

}  // namespace avocado::chat::formats
