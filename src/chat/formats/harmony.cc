// gpt-oss (Harmony).

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat harmony = {
    .name = "harmony",
    .recognises =
        [](std::string_view text) { return has(text, "<|channel|>") && has(text, "<|message|>"); },
    .thinking = {.open = {"<|channel|>analysis<|message|>"},
                 .close = {"<|end|>"},
                 .force = "<|end|><|start|>assistant<|channel|>final<|message|>",
                 .ended_by_calls = true},
    .calls = HarmonyCalls{},
    .dropped = {"<|end|>", "<|return|>", "<|call|>"},
    .exact_space = true,
};

}  // namespace avocado::chat::formats
