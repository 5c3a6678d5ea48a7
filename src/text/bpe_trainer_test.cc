#include "text/bpe_trainer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/philox.h"
#include "test_data.h"

namespace avocado {
namespace {

std::string random_bytes(uint64_t seed, size_t size) {
  const Random random(seed, Purpose::test);
  std::string text;
  for (size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(random.below(i, 256)));
  return text;
}

TEST(BpeTrainer, MergesTheMostFrequentPairAndBreaksTiesLow) {
  // "ab" occurs five times, "cd" and "xy" four times each; nothing repeats beyond them.
  const std::string text = "ab ab ab ab ab xy xy xy xy cd cd cd cd";
  const auto t = train_bpe({text}, {.vocab_size = 259, .pre_tokenizer = "gpt-2"});
  EXPECT_EQ(t->token_text(256), "ab");
  // " a" (4 times) ties with " c"; "ab" is one symbol by then: (' ', "ab") 4, (' ', 'x') 4, (' ',
  // 'c') 4, ...
  EXPECT_EQ(t->token_text(257), "Ġc");
  EXPECT_EQ(t->token_text(258), "Ġx");
}

TEST(BpeTrainer, AppendsSpecialTokens) {
  const auto t =
      train_bpe({"hello hello hello"},
                {.vocab_size = 300,
                 .pre_tokenizer = "llama-bpe",
                 .special_tokens = {"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"},
                 .bos = "<|begin_of_text|>",
                 .eos = "<|end_of_text|>"});
  EXPECT_EQ(t->kind(t->vocab_size() - 1), TokenKind::control);
  EXPECT_EQ(t->token_text(t->bos()), "<|begin_of_text|>");
  EXPECT_TRUE(t->is_end(t->eos()));
  EXPECT_TRUE(t->is_end(t->find("<|eot_id|>")));
  EXPECT_EQ(t->encode("hello", {.bos = true}), (std::vector{t->bos(), t->find("hello")}));
  EXPECT_EQ(t->encode("<|eot_id|>", {.special = true}), std::vector{t->find("<|eot_id|>")});
  EXPECT_GT(t->encode("<|eot_id|>").size(), 1u);
  EXPECT_EQ(t->decode(t->encode("<|eot_id|>")), "<|eot_id|>");
}

TEST(BpeTrainer, RefusesNonsense) {
  EXPECT_THROW(train_bpe({"x"}, {.vocab_size = 255}), Error);
  EXPECT_THROW(train_bpe({"x"}, {.vocab_size = 300, .pre_tokenizer = "nobody's"}), Error);
  EXPECT_THROW(
      train_bpe({"x"},
                {.vocab_size = 300, .pre_tokenizer = "gpt-2", .special_tokens = {}, .bos = "<s>"}),
      Error);
}

TEST(BpeTrainer, LosesNoByte) {
  const auto t = train_bpe({"the cat sat on the mat, the cat sat; 日本語の文章、日本語の文章"},
                           {.vocab_size = 300});
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string text = random_bytes(seed, 1 + seed * 3);
    EXPECT_EQ(t->decode(t->encode(text)), text);
    EXPECT_EQ(t->decode(t->encode(text, {.special = true}), true), text);
  }
}

TEST(BpeTrainer, IsFastAndDeterministic) {
  REQUIRE_TEST_DATA("corpora/neko.txt");
  std::vector<std::string> texts;
  for (const char* name : {"tinystories_sample_2MB.txt", "neko.txt", "tinyshakespeare.txt",
                           "calibration_datav3_small.txt"}) {
    std::ostringstream text;
    text << std::ifstream(test::data(std::string("corpora/") + name), std::ios::binary).rdbuf();
    texts.push_back(text.str());
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto start = std::chrono::steady_clock::now();
  const auto a = train_bpe(views, {.vocab_size = 2048});
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("trained 2048 tokens on 4.3 MB in %.2f s\n", seconds);
  const auto b = train_bpe(views, {.vocab_size = 2048});
  ASSERT_EQ(a->vocab_size(), 2048);
  for (int32_t id = 0; id < 2048; ++id) ASSERT_EQ(a->token_text(id), b->token_text(id));
  EXPECT_LT(a->encode(texts[0]).size() * 3, texts[0].size());
}

}  // namespace
}  // namespace avocado
