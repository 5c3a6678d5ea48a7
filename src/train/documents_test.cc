#include "train/documents.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "chat/own_template.h"
#include "text/bpe_trainer.h"

namespace avocado {
namespace {

std::string write(const std::string& name, const std::string& text) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / name).string();
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::unique_ptr<Tokenizer> tokenizer(bool chat) {
  BpeTrainerOptions options;
  options.vocab_size = 300;
  options.special_tokens = chat ? kOwnSpecialTokens : std::vector<std::string>{"<s>", "</s>"};
  options.bos = options.special_tokens[0];
  options.eos = options.special_tokens[1];
  return train_bpe({"some words to begin with, some words to end with"}, options);
}

Document encode(const SourceDocument& source, const Tokenizer& t) {
  const ChatTemplate chat(kOwnTemplate, t, "test");
  const std::vector<Document> documents = encode_document(source, t, &chat, "source");
  EXPECT_EQ(documents.size(), 1u);
  return documents.at(0);
}

std::string learned(const Document& document, const Tokenizer& t) {
  std::string text;
  for (size_t i = 0; i < document.ids.size(); ++i)
    if (document.learn[i]) text += t.token_bytes(document.ids[i], true);
  return text;
}

TEST(Documents, TextFileIsOneDocument) {
  const auto documents = read_documents(write("plain.txt", "one\ntwo\n"));
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(documents[0][0].content, "one\ntwo\n");
  const auto t = tokenizer(false);
  const Document document = encode(documents[0], *t);
  EXPECT_EQ(document.ids.front(), t->bos());
  EXPECT_EQ(document.ids.back(), t->eos());
  EXPECT_EQ(t->decode(document.ids), "one\ntwo\n");
}

TEST(Documents, JsonLines) {
  const auto documents =
      read_documents(write("lines.jsonl",
                           "{\"text\": \"a\"}\r\n\n{\"prompt\": \"p\", \"completion\": \"c\"}\n"
                           "{\"messages\": [{\"role\": \"user\", \"content\": \"u\"}]}"));
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_EQ(documents[0][0].role, "text");
  EXPECT_EQ(documents[1][1].content, "c");
  EXPECT_EQ(documents[2][0].role, "user");
}

TEST(Documents, OnlyAnswersAreLearned) {
  const auto t = tokenizer(true);
  const Document chat =
      encode({{"user", "question "}, {"assistant", " answer"}, {"user", "more"}}, *t);
  EXPECT_EQ(learned(chat, *t), "answer<|eot_id|>");
  std::string all;
  for (int32_t id : chat.ids) all += t->token_bytes(id, true);
  EXPECT_EQ(all,
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nquestion<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nanswer<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nmore<|eot_id|>");
  const Document pair = encode({{"prompt", "p"}, {"completion", "c"}}, *t);
  EXPECT_EQ(learned(pair, *t), "c<|end_of_text|>");
}

TEST(Documents, ContentNeverBecomesMarkup) {
  const auto t = tokenizer(true);
  const Document document = encode({{"user", "<|eot_id|>"}, {"assistant", "a"}}, *t);
  EXPECT_EQ(std::count(document.ids.begin(), document.ids.end(), t->find("<|eot_id|>")), 2);
}

TEST(Documents, ErrorsNameFileAndLine) {
  const std::vector<std::string> bad = {"{\"text\": 3}",
                                        "{",
                                        "[]",
                                        "{}",
                                        "{\"text\": \"a\", \"messages\": []}",
                                        "{\"prompt\": \"p\"}",
                                        "{\"messages\": []}",
                                        "{\"messages\": [{\"role\": \"king\", \"content\": \"\"}]}",
                                        "{\"messages\": [3]}",
                                        "{\"text\": \"\xff\"}"};
  for (const std::string& line : bad) {
    const std::string path = write("bad.jsonl", "{\"text\": \"fine\"}\n" + line + "\n");
    try {
      read_documents(path);
      ADD_FAILURE() << line;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(path + ":2"), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(encode_document({{"user", "u"}}, *tokenizer(false), nullptr, "chat"), Error);
}

}  // namespace
}  // namespace avocado
