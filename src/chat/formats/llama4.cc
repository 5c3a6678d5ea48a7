// Llama 4: a bare Python list of calls.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat llama4 = {
    .name = "llama4",
    .recognises =
        [](std::string_view text) {
          return has(text, "<|python_start|>") || has(text, "func_name1(params_name1");
        },
    .thinking = {},
    .calls = PythonCalls{.open = "<|python_start|>", .close = "<|python_end|>", .bare = true},
};

}  // namespace avocado::chat::formats
