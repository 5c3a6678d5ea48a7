#include "train/preference_data.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "chat/own_template.h"
#include "files/atomic_file.h"
#include "text/bpe_trainer.h"

namespace avocado {
namespace {

std::unique_ptr<Tokenizer> tokenizer() {
  BpeTrainerOptions options;
  options.vocab_size = 300;
  options.special_tokens = kOwnSpecialTokens;
  options.bos = "<|begin_of_text|>";
  options.eos = "<|eot_id|>";
  return train_bpe({"hello there", "user assistant system"}, options);
}

std::string learned_text(const Document& document, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < document.ids.size(); ++i)
    if (document.learn[i]) ids.push_back(document.ids[i]);
  return tokenizer.decode(ids);
}

TEST(PreferenceData, TextsAndChats) {
  const PreferencePair plain =
      parse_preference_pair(R"({"prompt": "a", "chosen": "b", "rejected": "c"})", "line");
  EXPECT_EQ(plain.chosen[0].role, "prompt");
  EXPECT_EQ(plain.chosen[1].content, "b");
  EXPECT_EQ(plain.rejected[1].content, "c");
  const PreferencePair chat = parse_preference_pair(
      R"({"prompt": [{"role": "user", "content": "hi"}], "chosen": "yes",
          "rejected": [{"role": "assistant", "content": "no"}]})",
      "line");
  ASSERT_EQ(chat.rejected.size(), 2u);
  EXPECT_EQ(chat.chosen[1].role, "assistant");
  EXPECT_EQ(chat.rejected[1].content, "no");
}

TEST(PreferenceData, WrongLinesAreNamed) {
  for (const char* line :
       {"", "[]", "{}", R"({"prompt": "a", "chosen": "b"})", R"({"prompt": 1})",
        R"({"prompt": "a", "chosen": ["b"], "rejected": "c"})",
        R"({"prompt": [], "chosen": "b", "rejected": "c"})",
        R"({"prompt": [{"role": "cat", "content": "a"}], "chosen": "b", "rejected": "c"})",
        R"({"prompt": [{"role": "user", "content": "a"}], "chosen": [], "rejected": "c"})",
        R"({"prompt": [{"role": "user", "content": "a"}],
            "chosen": [{"role": "user", "content": "b"}], "rejected": "c"})"})
    try {
      parse_preference_pair(line, "file:7");
      ADD_FAILURE() << line;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_EQ(std::string(error.what()).rfind("file:7", 0), 0u) << error.what();
    }
}

TEST(PreferenceData, OnlyTheLastAnswerIsLearned) {
  const auto own = tokenizer();
  const ChatTemplate chat(kOwnTemplate, *own, "test");
  const PreferencePair pair = parse_preference_pair(
      R"({"prompt": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
                     {"role": "user", "content": "three"}],
          "chosen": "four", "rejected": "five"})",
      "line");
  const DocumentPair documents = encode_pair(pair, *own, &chat, "test");
  EXPECT_EQ(learned_text(documents.chosen, *own), "four");
  EXPECT_EQ(learned_text(documents.rejected, *own), "five");
}

TEST(PreferenceData, ReadsFiles) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "pairs.jsonl").string();
  write_file_atomically(path,
                        "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n\n"
                        "{\"prompt\": \"d\", \"chosen\": \"e\", \"rejected\": \"f\"}");
  EXPECT_EQ(read_preference_pairs(path).size(), 2u);
  write_file_atomically(path, "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\nx\n");
  try {
    read_preference_pairs(path);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("pairs.jsonl:2"), std::string::npos) << error.what();
  }
  EXPECT_THROW(read_preference_pairs("pairs.txt"), Error);
}

}  // namespace
}  // namespace avocado
