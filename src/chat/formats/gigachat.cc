// GigaChat 3: JSON behind a role (3.0) or a mark (3.1).

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat gigachat = {
    .name = "gigachat",
    .recognises =
        [](std::string_view text) {
          return has(text, "<|role_sep|>") && has(text, "\"arguments\": ");
        },
    .thinking = {},
    .calls = JsonCalls{.wrappers = {{"<|function_call|>", "<|message_sep|>"},
                                    {"function call<|role_sep|>", "<|message_sep|>"}}},
    .dropped = {"<|message_sep|>"},
};

}  // namespace avocado::chat::formats
