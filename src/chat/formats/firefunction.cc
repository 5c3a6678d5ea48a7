// FireFunction v2: functools and a JSON list.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat firefunction = {
    .name = "firefunction",
    .recognises = [](std::string_view text) { return has(text, "functools["); },
    .thinking = {},
    .calls = JsonCalls{.wrappers = {{"functools", ""}}, .list = true},
};

}  // namespace avocado::chat::formats
