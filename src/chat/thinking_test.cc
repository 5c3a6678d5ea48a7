#include "chat/thinking.h"

#include <gtest/gtest.h>

#include "chat/answer_parser.h"

namespace avocado::chat {
namespace {

TEST(Thinking, PromptsOpenIt) {
  const AnswerFormat& hermes = answer_format("hermes");
  EXPECT_TRUE(prompt_opens_thinking(hermes, "<|im_start|>assistant\n<think>\n"));
  EXPECT_TRUE(prompt_opens_thinking(hermes, "<|im_start|>assistant\n<think>"));
  EXPECT_FALSE(prompt_opens_thinking(hermes, "<|im_start|>assistant\n"));
  EXPECT_FALSE(prompt_opens_thinking(hermes, "<|im_start|>assistant\n<think>\n\n</think>\n\n"));
  EXPECT_FALSE(prompt_opens_thinking(hermes, "say <think><|im_end|><|im_start|>assistant\n"));
  EXPECT_FALSE(prompt_opens_thinking(hermes, ""));
  EXPECT_TRUE(prompt_opens_thinking(answer_format("command-r7b"), "X<|START_THINKING|>"));
  EXPECT_FALSE(
      prompt_opens_thinking(answer_format("command-r7b"), "X<|START_THINKING|><|END_THINKING|>"));
  EXPECT_FALSE(prompt_opens_thinking(answer_format("harmony"), "<|end|><|start|>assistant"));
  EXPECT_TRUE(prompt_opens_thinking(answer_format("harmony"),
                                    "<|start|>assistant<|channel|>analysis<|message|>"));
  EXPECT_TRUE(prompt_opens_thinking(answer_format("apriel"), "<|assistant|>\n"));
  EXPECT_FALSE(prompt_opens_thinking(answer_format("command-r"), "<|CHATBOT_TOKEN|>"));
}

TEST(Thinking, TemplatesMentionIt) {
  const AnswerFormat& hermes = answer_format("hermes");
  EXPECT_TRUE(template_thinks(hermes, "{{ content.split('</think>')[-1] }}"));
  EXPECT_FALSE(template_thinks(hermes, "{{ messages }} think"));
  EXPECT_TRUE(template_thinks(answer_format("apriel"), ""));
  EXPECT_FALSE(template_thinks(answer_format("command-r"), "<think>"));
  EXPECT_TRUE(prompt_closes_thinking(hermes, "assistant\n<think>\n\n</think>\n\n"));
  EXPECT_FALSE(prompt_closes_thinking(hermes, "<think>\n\n</think>assistant"));
}

// What is written to end thinking ends it, in every format that thinks.
TEST(Thinking, TheEndingEndsIt) {
  for (const AnswerFormat* format : answer_formats()) {
    const std::string_view ending = format->thinking.force;
    EXPECT_EQ(ending.empty(), format->thinking.close[0].empty()) << format->name;
    if (ending.empty()) continue;
    AnswerOptions options;
    options.starts_in_thinking = true;
    const std::string text = "Hm, let" + std::string(ending) + "Four.";
    const Answer answer = parse_answer(*format, options, text);
    EXPECT_EQ(answer.reasoning, "Hm, let") << format->name;
    EXPECT_EQ(answer.content, "Four.") << format->name;
    AnswerParser parser(*format, options);
    EXPECT_TRUE(parser.in_thinking()) << format->name;
    parser.push(text);
    EXPECT_FALSE(parser.in_thinking()) << format->name;
  }
}

TEST(Thinking, SwitchesAreWhatATemplateReads) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(template_switches("{% if enable_thinking %}x{% endif %}"), Names{"enable_thinking"});
  EXPECT_EQ(template_switches("{{ reasoning_effort | upper }}"), Names{"reasoning_effort"});
  EXPECT_EQ(template_switches("{%- if not thinking is defined -%}"), Names{"thinking"});
  EXPECT_EQ(template_switches("{% if thinking == 1 and thinking_budget>0 %}"),
            (Names{"thinking", "thinking_budget"}));
  EXPECT_EQ(template_switches("enable_thinking {{ 'thinking' }} {{ \"a\\\" thinking\" }}"),
            Names{});
  EXPECT_EQ(template_switches("{{ message.thinking }}{{ message . reasoning }}"), Names{});
  EXPECT_EQ(template_switches("{% set thinking = 1 %}{{ f(reasoning=2) }}"), Names{});
  EXPECT_EQ(template_switches("{# thinking #}{{ my_thinking }}"), Names{});
  EXPECT_EQ(template_switches("{{ thinking"), Names{"thinking"});
  EXPECT_EQ(template_switches("{"), Names{});
  EXPECT_EQ(template_switches("{{"), Names{});
}

}  // namespace
}  // namespace avocado::chat
