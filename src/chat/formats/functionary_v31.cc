// Functionary v3.1: <function=name>{...}</function>.

#include "chat/formats/formats.h"

namespace avocado::chat::formats {

const AnswerFormat functionary_v31 = {
    .name = "functionary-v3.1",
    .recognises = [](std::string_view text) { return has(text, "<function="); },
    .thinking = {},
    .calls = NamedCalls{.begin = "<function=",
                        .name_ends = ">{",
                        .after_name = ">",
                        .after_arguments = {"</function>"}},
};

}  // namespace avocado::chat::formats
