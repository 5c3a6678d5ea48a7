#pragma once
// The formats, one file each.

#include "chat/answer_format.h"

namespace avocado::chat::formats {

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// <think> ... </think>, as most models write it.
constexpr Thinking think_tags() {
  return {.open = {"<think>"}, .close = {"</think>"}, .force = "\n</think>\n\n"};
}

extern const AnswerFormat apriel;
extern const AnswerFormat command_r;
extern const AnswerFormat command_r7b;
extern const AnswerFormat deepseek_r1;
extern const AnswerFormat deepseek_v31;
extern const AnswerFormat deepseek_v4;
extern const AnswerFormat firefunction;
extern const AnswerFormat functionary_v31;
extern const AnswerFormat functionary_v32;
extern const AnswerFormat generic;
extern const AnswerFormat gigachat;
extern const AnswerFormat glm;
extern const AnswerFormat granite;
extern const AnswerFormat harmony;
extern const AnswerFormat hermes;
extern const AnswerFormat kimi_k2;
extern const AnswerFormat lfm2;
extern const AnswerFormat llama3;
extern const AnswerFormat llama4;
extern const AnswerFormat minimax_m1;
extern const AnswerFormat minimax_m2;
extern const AnswerFormat mistral;
extern const AnswerFormat mistral_v11;
extern const AnswerFormat phi;
extern const AnswerFormat qwen3_coder;
extern const AnswerFormat seed_oss;

}  // namespace avocado::chat::formats
