// Mistral from tokenizer v11: [TOOL_CALLS]name[ARGS]{...}, sometimes with an id.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat mistral_v11 = {
    .name = "mistral-v11",
    .recognises =
        [](std::string_view text) { return has(text, "[TOOL_CALLS]") && has(text, "[ARGS]"); },
    .thinking = {.open = {"[THINK]"}, .close = {"[/THINK]"}, .force = "[/THINK]"},
    .calls = NamedCalls{.begin = "[TOOL_CALLS]",
                        .name_ends = "[{",
                        .id_mark = "[CALL_ID]",
                        .after_name = "[ARGS]",
                        .json_too = true},
    .ids = CallIds::letters9,
};

}  // namespace avocado::chat::formats
