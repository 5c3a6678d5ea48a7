// Functionary v3.2: >>>recipient, a line break, then what it gets; "all" gets the content.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat functionary_v32 = {
    .name = "functionary-v3.2",
    .recognises = [](std::string_view text) { return has(text, ">>>${recipient}"); },
    .thinking = {},
    .calls =
        NamedCalls{.begin = ">>>", .name_ends = "\n{", .content_name = "all", .at_start = true},
};

}  // namespace avocado::chat::formats
