#pragma once
// The chat format of models that this program makes: that of Llama 3.

#include <string>
#include <string_view>
#include <vector>

namespace avocado {

// In the order of their ids: begin of text, end of text, then the markers.
inline const std::vector<std::string> kOwnSpecialTokens = {"<|begin_of_text|>", "<|end_of_text|>",
                                                           "<|start_header_id|>",
                                                           "<|end_header_id|>", "<|eot_id|>"};

// Goes into the model's file, so that other programs speak to it the same way.
inline constexpr std::string_view kOwnTemplate =
    "{{- bos_token }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] "
    "| trim + "
    "'<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' "
    "}}{%- endif %}";

}  // namespace avocado
