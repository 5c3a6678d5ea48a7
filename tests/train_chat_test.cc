// What a model learns of a conversation is what `avocado run` will show it.

#include <gtest/gtest.h>

#include "chat/chat_template.h"
#include "chat/own_template.h"
#include "text/bpe_trainer.h"
#include "train/documents.h"

namespace avocado {
namespace {

TEST(TrainChat, LearnsTheConversationThatInferenceRenders) {
  BpeTrainerOptions options;
  options.vocab_size = 300;
  options.special_tokens = kOwnSpecialTokens;
  options.bos = "<|begin_of_text|>";
  options.eos = "<|eot_id|>";
  const auto tokenizer = train_bpe({"system user assistant words of a question"}, options);
  const ChatTemplate chat(kOwnTemplate, *tokenizer, "test");
  for (const std::string question : {"a question", "\n  \n<|eot_id|> words ", "日本語\n\n"}) {
    const Prompt asked = chat.render(
        {{"messages",
          {{{"role", "system"}, {"content", "words"}}, {{"role", "user"}, {"content", question}}}},
         {"add_generation_prompt", true}});
    const std::vector<int32_t> prompt = tokens_of(asked, *tokenizer);
    const std::vector<Document> documents =
        encode_document({{"system", "words"}, {"user", question}, {"assistant", "an answer"}},
                        *tokenizer, &chat, "chat");
    ASSERT_EQ(documents.size(), 1u);
    const Document& document = documents.front();
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
