// Command R: Action: and a JSON list in a fenced block.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat command_r = {
    .name = "command-r",
    .recognises =
        [](std::string_view text) {
          return has(text, "<|CHATBOT_TOKEN|>") && has(text, "Action:") && has(text, "tool_name");
        },
    .thinking = {},
    .calls = JsonCalls{.wrappers = {{"Action:", "```", "```json"}},
                       .name_key = "tool_name",
                       .arguments_key = "parameters",
                       .list = true},
};

}  // namespace avocado::chat::formats
