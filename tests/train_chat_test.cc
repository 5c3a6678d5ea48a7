// What a model learns of a conversation is what `avocado run` will show it.

#include <gtest/gtest.h>

#include "text/bpe_trainer.h"
#include "text/chat_format.h"
#include "train/documents.h"

namespace avocado {
namespace {

TEST(TrainChat, LearnsTheConversationThatInferenceRenders) {
  BpeTrainerOptions options;
  options.vocab_size = 300;
  options.special_tokens = kLlama3SpecialTokens;
  options.bos = "<|begin_of_text|>";
  options.eos = "<|eot_id|>";
  const auto tokenizer = train_bpe({"system user assistant words of a question"}, options);
  const ChatFormat* format = find_chat_format(kLlama3Template);
  ASSERT_NE(format, nullptr);
  const std::string_view chat_template = kLlama3Template;
  for (const std::string question : {"a question", "\n  \n<|eot_id|> words ", "日本語\n\n"}) {
    const std::vector<int32_t> prompt =
        render_chat(*format, *tokenizer, chat_template, {{"system", "words"}, {"user", question}});
    const Document document =
        encode_document({{"system", "words"}, {"user", question}, {"assistant", "an answer"}},
                        *tokenizer, chat_template, "chat");
    ASSERT_GT(document.ids.size(), prompt.size());
    EXPECT_EQ(std::vector(document.ids.begin(),
                          document.ids.begin() + static_cast<int64_t>(prompt.size())),
              prompt);
    // All of the answer is learned, its end included, and nothing before it.
    for (size_t i = 0; i < document.ids.size(); ++i)
      EXPECT_EQ(document.learn[i] != 0, i >= prompt.size()) << i;
    EXPECT_TRUE(tokenizer->is_end(document.ids.back()));
  }
}

}  // namespace
}  // namespace avocado
