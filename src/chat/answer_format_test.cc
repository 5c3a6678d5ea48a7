#include "chat/answer_format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "chat/thinking.h"
#include "chat/tools.h"
#include "expect_error.h"
#include "files/atomic_file.h"
#include "test_data.h"

namespace avocado::chat {
namespace {

// What each real template speaks, and what it can switch.
struct Known {
  const char* format;
  const char* switches;
};
const std::map<std::string, Known> kTemplates = {
    {"ByteDance-Seed-OSS", {"seed-oss", "thinking_budget"}},
    {"Cohere2MoE", {"command-r7b", "reasoning reasoning_effort"}},
    {"CohereForAI-c4ai-command-r-plus-tool_use", {"command-r", ""}},
    {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", {"command-r7b", "enable_thinking"}},
    {"GLM-5.2", {"glm", "enable_thinking reasoning_effort"}},
    {"GigaChat3-10B-A1.8B", {"gigachat", ""}},
    {"GigaChat3.1-10B-A1.8B", {"gigachat", ""}},
    {"Kimi-K2-Instruct", {"kimi-k2", ""}},
    {"Kimi-K2-Thinking", {"kimi-k2", ""}},
    {"Mistral-Small-3.2-24B-Instruct-2506", {"mistral-v11", ""}},
    {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", {"qwen3-coder", "enable_thinking"}},
    {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", {"hermes", ""}},
    {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", {"hermes", ""}},
    {"Qwen-Qwen2.5-7B-Instruct", {"hermes", ""}},
    {"Qwen-Qwen3-0.6B", {"hermes", "enable_thinking"}},
    {"Qwen3.5-4B", {"qwen3-coder", "enable_thinking"}},
    {"Reka-Edge", {"hermes", "enable_thinking"}},
    {"StepFun3.5-Flash", {"qwen3-coder", ""}},
    {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", {"deepseek-r1", ""}},
    {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", {"deepseek-r1", "enable_thinking"}},
    {"deepseek-ai-DeepSeek-V3.1", {"deepseek-v3.1", "enable_thinking thinking"}},
    {"deepseek-ai-DeepSeek-V4", {"deepseek-v4", "enable_thinking thinking reasoning_effort"}},
    {"deepseek_tool_call", {"deepseek-r1", ""}},
    {"fireworks-ai-llama-3-firefunction-v2", {"firefunction", ""}},
    {"gemma3n", {"generic", ""}},
    {"google-gemma-2-2b-it", {"generic", ""}},
    {"gpt-oss", {"harmony", "reasoning_effort"}},
    {"ibm-granite-granite-3.3-2B-Instruct", {"granite", "thinking"}},
    {"llama-cpp-deepseek-r1", {"deepseek-r1", ""}},
    {"meetkai-functionary-medium-v3.1", {"functionary-v3.1", ""}},
    {"meetkai-functionary-medium-v3.2", {"functionary-v3.2", ""}},
    {"meta-llama-Llama-3.1-8B-Instruct", {"llama3", ""}},
    {"meta-llama-Llama-3.2-3B-Instruct", {"llama3", ""}},
    {"meta-llama-Llama-3.3-70B-Instruct", {"llama3", ""}},
    {"microsoft-Phi-3.5-mini-instruct", {"generic", ""}},
    {"mistralai-Ministral-3-14B-Reasoning-2512", {"mistral-v11", ""}},
    {"mistralai-Mistral-Nemo-Instruct-2407", {"mistral", ""}},
    {"openai-gpt-oss-120b", {"harmony", "reasoning_effort"}},
    {"smollm3", {"hermes", "enable_thinking"}},
    {"stepfun-ai-Step-3.5-Flash", {"qwen3-coder", ""}},
    {"unsloth-Apriel-1.5", {"apriel", ""}},
    {"unsloth-mistral-Devstral-Small-2507", {"mistral-v11", ""}},
};

TEST(AnswerFormat, RealTemplatesAreRecognised) {
  REQUIRE_TEST_DATA("templates");
  size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::data("templates"))) {
    const std::string name = entry.path().stem().string();
    const std::string text = read_text_file(entry.path().string());
    const std::string format = find_answer_format(text).name;
    std::string switches;
    for (const std::string& one : template_switches(text))
      switches += switches.empty() ? one : " " + one;
    fmt::print("{:48} {:18} {}\n", name, format, switches);
    const auto known = kTemplates.find(name);
    if (known == kTemplates.end()) continue;
    ++found;
    EXPECT_EQ(format, known->second.format) << name;
    EXPECT_EQ(switches, known->second.switches) << name;
  }
  EXPECT_EQ(found, kTemplates.size());
}

// Formats without a real template here, by the marks that their documentation shows.
TEST(AnswerFormat, DocumentedMarksAreRecognised) {
  const std::pair<const char*, const char*> kMarks[] = {
      {"<minimax:tool_call><invoke name=\"", "minimax-m2"},
      {"<tool_calls>\n{\"name\": ", "minimax-m1"},
      {"<|tool_call_start|>[", "lfm2"},
      {"<|tool|>' + message['tools'] + '<|/tool|>", "phi"},
      {"<|python_start|>", "llama4"},
      {"[func_name1(params_name1=params_value1)]", "llama4"},
      {"", "generic"},
  };
  for (const auto& [text, format] : kMarks) EXPECT_STREQ(find_answer_format(text).name, format);
}

TEST(AnswerFormat, AreFoundByName) {
  for (const AnswerFormat* format : answer_formats())
    EXPECT_EQ(&answer_format(format->name), format);
  EXPECT_STREQ(answer_formats().back()->name, "generic");
  EXPECT_AVOCADO_ERROR(answer_format("llama5"), ErrorKind::usage, "llama5");
}

}  // namespace
}  // namespace avocado::chat
