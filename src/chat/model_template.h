#pragma once
// Where models keep their chat templates.

#include <string>

#include "chat/chat_template.h"

namespace avocado {

// The template of a GGUF file (tokenizer.chat_template, or .NAME for a variant), of a Hugging Face
// folder (chat_template.jinja, additional_chat_templates/NAME.jinja, or tokenizer_config.json), or
// of a .jinja file, which has no variants and no tokens of its own. Without a variant, the default
// one. Throws Error(input) when it is not there, naming the variants that are.
ChatTemplate load_chat_template(const std::string& path, const std::string& variant = "");

}  // namespace avocado
