#include "chat/answer_format.h"

#include "base/error.h"
#include "chat/formats/formats.h"

namespace avocado::chat {

const std::vector<const AnswerFormat*>& answer_formats() {
  // A format whose marks are part of another's stands behind it.
  static const std::vector<const AnswerFormat*> kFormats = {
      &formats::harmony,      &formats::deepseek_v4,
      &formats::deepseek_r1,  &formats::deepseek_v31,
      &formats::kimi_k2,      &formats::mistral_v11,
      &formats::mistral,      &formats::command_r7b,
      &formats::command_r,    &formats::functionary_v32,
      &formats::minimax_m2,   &formats::seed_oss,
      &formats::qwen3_coder,  &formats::functionary_v31,
      &formats::glm,          &formats::granite,
      &formats::apriel,       &formats::gigachat,
      &formats::lfm2,         &formats::minimax_m1,
      &formats::hermes,       &formats::phi,
      &formats::firefunction, &formats::llama4,
      &formats::llama3,       &formats::generic,
  };
  return kFormats;
}

const AnswerFormat& find_answer_format(std::string_view chat_template) {
  for (const AnswerFormat* format : answer_formats()) {
    if (format->recognises(chat_template)) return *format;
  }
  return formats::generic;
}

const AnswerFormat& answer_format(std::string_view name) {
  std::string names;
  for (const AnswerFormat* format : answer_formats()) {
    if (format->name == name) return *format;
    names += names.empty() ? format->name : std::string(", ") + format->name;
  }
  fail_usage("no answer format is called \"{}\"; there are: {}", name, names);
}

}  // namespace avocado::chat
