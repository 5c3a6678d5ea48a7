// Llama 3.1 to 3.3: bare JSON; behind <|python_tag|> JSON or a built-in tool's Python call.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat llama3 = {
    .name = "llama3",
    .recognises =
        [](std::string_view text) {
          return has(text, "<|start_header_id|>") &&
                 (has(text, "<|python_tag|>") || has(text, "\"parameters\": dictionary of"));
        },
    .thinking = think_tags(),
    .calls = JsonCalls{.wrappers = {{"<|python_tag|>", ""}},
                       .bare = true,
                       .arguments_key = "parameters",
                       .python_call = true},
};

}  // namespace avocado::chat::formats
