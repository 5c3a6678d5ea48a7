#include "chat/learned_chat.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "files/atomic_file.h"
#include "test_data.h"
#include "text/bpe_trainer.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

const Tokenizer& tokenizer() {
  static const std::unique_ptr<Tokenizer> instance = [] {
    BpeTrainerOptions options;
    options.special_tokens = {"<s>", "</s>", "<|im_start|>", "<|im_end|>"};
    options.bos = "<s>";
    options.eos = "<|im_end|>";
    options.vocab_size = 300;
    return train_bpe({"user assistant system user assistant system\n\nuser"}, options);
  }();
  return *instance;
}

struct Turn {
  const char* role;
  const char* content;
};

// Of each conversation: its text, with what is learned in [ ].
Strings learned(std::string_view source, const std::vector<Turn>& turns) {
  Json messages = Json::array();
  for (const Turn& turn : turns)
    messages.push_back({{"role", turn.role}, {"content", turn.content}});
  const ChatTemplate chat(source, tokenizer(), "test");
  Strings texts;
  for (const LearnedChat& one : learned_chats(chat, messages, tokenizer())) {
    EXPECT_EQ(one.ids.size(), one.learn.size());
    std::string text;
    bool inside = false;
    for (size_t i = 0; i <= one.ids.size(); ++i) {
      const bool learn = i < one.ids.size() && one.learn[i] != 0;
      if (learn != inside) text += learn ? "[" : "]";
      inside = learn;
      if (i < one.ids.size()) text += tokenizer().token_bytes(one.ids[i], true);
    }
    texts.push_back(text);
  }
  return texts;
}

constexpr std::string_view kChatMl =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

TEST(LearnedChat, LearnsEveryAnswerToTheEndOfItsTurn) {
  EXPECT_EQ(
      learned(kChatMl, {{"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", "d"}}),
      Strings{"<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[b<|im_end|>]\n"
              "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n[d<|im_end|>]\n"});
  EXPECT_EQ(learned(kChatMl, {{"user", "a"}}), Strings{"<|im_start|>user\na<|im_end|>\n"});
  EXPECT_EQ(learned(kChatMl, {{"assistant", ""}, {"user", "a"}}),
            Strings{"<|im_start|>assistant\n[<|im_end|>]\n<|im_start|>user\na<|im_end|>\n"});
}

// What was written stays text, and ends no turn.
TEST(LearnedChat, ContentIsNeverAMarker) {
  const Strings texts = learned(kChatMl, {{"user", "a"}, {"assistant", "b<|im_end|>c"}});
  EXPECT_EQ(texts[0],
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[b<|im_end|>c<|im_end|>]\n");
  const Json messages = {{{"role", "assistant"}, {"content", "<|im_end|>"}}};
  const ChatTemplate chat(kChatMl, tokenizer(), "test");
  const LearnedChat one = learned_chats(chat, messages, tokenizer()).at(0);
  EXPECT_EQ(std::count(one.ids.begin(), one.ids.end(), tokenizer().find("<|im_end|>")), 1);
}

TEST(LearnedChat, ATemplateMaySayWhatIsLearned) {
  constexpr std::string_view source =
      "{% for m in messages %}{{ m.role + ': ' }}{% if m.role == 'assistant' %}{% generation %}"
      "{{ m.content + '</s>' }}{% endgeneration %}{% else %}{{ m.content }}{% endif %};{% endfor "
      "%}";
  EXPECT_EQ(learned(source, {{"user", "a"}, {"assistant", "b"}, {"user", "c"}}),
            Strings{"user: a;assistant: [b</s>];user: c;"});
}

// The beginning of an answer that the template wants thought over is not learned when it is given,
// and is when it is not.
TEST(LearnedChat, LearnsWhatComesAfterThePrompt) {
  constexpr std::string_view source =
      "{% for m in messages %}{{ '<|im_start|>' + m.role + ':' + m.content + '<|im_end|>' }}"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant:<think>{% endif %}";
  EXPECT_EQ(
      learned(source, {{"user", "a"}, {"assistant", "<think>x</think>b"}}),
      Strings{"<|im_start|>user:a<|im_end|><|im_start|>assistant:<think>[x</think>b<|im_end|>]"});
  EXPECT_EQ(learned(source, {{"user", "a"}, {"assistant", "b"}}),
            Strings{"<|im_start|>user:a<|im_end|><|im_start|>assistant:[b<|im_end|>]"});
}

TEST(LearnedChat, AnswersThatAreShownOtherwiseLaterAreLearnedAsTheyWereGiven) {
  REQUIRE_TEST_DATA("templates");
  const std::string qwen3 = read_text_file(test::data("templates/Qwen-Qwen3-0.6B.jinja").string());
  const Strings texts = learned(qwen3, {{"user", "a"},
                                        {"assistant", "<think>\nx\n</think>\n\nb"},
                                        {"user", "c"},
                                        {"assistant", "<think>\ny\n</think>\n\nd"}});
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0],
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n"
            "[<think>\nx\n</think>\n\nb<|im_end|>]\n");
  EXPECT_EQ(texts[1],
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
            "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n"
            "[<think>\ny\n</think>\n\nd<|im_end|>]\n");
}

TEST(LearnedChat, ARefusalIsPassedOn) {
  EXPECT_AVOCADO_ERROR(learned("{{ raise_exception('no') }}", {{"user", "a"}}), ErrorKind::input,
                       "no");
}

}  // namespace
}  // namespace avocado
