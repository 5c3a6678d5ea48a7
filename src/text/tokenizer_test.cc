#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/error.h"
#include "text/bpe_trainer.h"
#include "text/test_text.h"

namespace avocado {
namespace {

std::unique_ptr<Tokenizer> through_gguf(const Tokenizer& tokenizer) {
  GgufWriter writer;
  tokenizer.write_gguf(writer);
  const std::vector<std::byte> bytes = writer.bytes();
  return Tokenizer::from_gguf(GgufFile::parse(bytes, "written"));
}

void expect_equal(const Tokenizer& a, const Tokenizer& b, const std::string& name) {
  ASSERT_EQ(a.vocab_size(), b.vocab_size()) << name;
  EXPECT_EQ(a.type_name(), b.type_name()) << name;
  EXPECT_EQ(a.bos(), b.bos()) << name;
  EXPECT_EQ(a.eos(), b.eos()) << name;
  std::string specials;
  for (int32_t id = 0; id < a.vocab_size(); ++id) {
    ASSERT_EQ(a.token_text(id), b.token_text(id)) << name;
    ASSERT_EQ(a.kind(id), b.kind(id)) << name << " token " << id;
    ASSERT_EQ(a.token_bytes(id, true), b.token_bytes(id, true)) << name << " token " << id;
    ASSERT_EQ(a.is_end(id), b.is_end(id)) << name << " token " << id;
    if (a.kind(id) == TokenKind::control && specials.size() < 500)
      specials += " x" + a.token_bytes(id, true);
  }
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string text = test::random_text(seed, 1 + seed % 50);
    const auto ids = a.encode(text, {.bos = true});
    ASSERT_EQ(ids, b.encode(text, {.bos = true})) << name << ": " << text;
    ASSERT_EQ(a.decode(ids), b.decode(ids)) << name;
  }
  EXPECT_EQ(a.encode(specials, {.special = true}), b.encode(specials, {.special = true})) << name;
  EXPECT_EQ(a.encode(specials), b.encode(specials)) << name;
}

TEST(Tokenizer, GgufRoundTripGivesAnEqualTokenizer) {
  const auto trained =
      train_bpe({"some text, some more text; 文章と文章"},
                {.vocab_size = 300, .special_tokens = {"<a>", "<b>"}, .bos = "<a>", .eos = "<b>"});
  expect_equal(*trained, *through_gguf(*trained), "trained");
  REQUIRE_TEST_DATA("tokenizers/ggml-vocab");
  for (const auto& entry :
       std::filesystem::directory_iterator(test::data("tokenizers/ggml-vocab"))) {
    if (entry.path().extension() != ".gguf") continue;
    if (entry.path().filename() == "ggml-vocab-gpt-neox.gguf")
      continue;  // names no pre-tokenizer: refused
    const auto t = Tokenizer::from_gguf(GgufFile::open(entry.path()));
    expect_equal(*t, *through_gguf(*t), entry.path().filename());
  }
  for (const char* name :
       {"gpt2", "llama2", "mistral", "phi3", "whisper", "small/tiny_bpe_tokenizer.json"}) {
    const auto t = Tokenizer::from_huggingface(test::data(std::string("tokenizers/") + name));
    expect_equal(*t, *through_gguf(*t), name);
  }
}

TEST(Tokenizer, AVocabularyThatNamesNoPreTokenizerIsRefused) {
  REQUIRE_TEST_DATA("tokenizers/ggml-vocab/ggml-vocab-gpt-neox.gguf");
  try {
    Tokenizer::from_gguf(
        GgufFile::open(test::data("tokenizers/ggml-vocab/ggml-vocab-gpt-neox.gguf")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("tokenizer.ggml.pre"), std::string::npos);
  }
}

TEST(Tokenizer, StreamsWholeCharacters) {
  const auto t = train_bpe({"abc"}, {.vocab_size = 258, .special_tokens = {"<x>"}});
  const std::string text = "aé日🦙b";
  StreamDecoder stream(*t);
  std::string all;
  for (int32_t id : t->encode(text)) {
    const std::string piece = stream.push(id);
    EXPECT_TRUE(unicode::is_valid_utf8(piece));
    all += piece;
  }
  EXPECT_EQ(all + stream.finish(), text);

  const auto decoded = [&](std::string_view bytes) {
    StreamDecoder decoder(*t);
    std::string out;
    for (int32_t id : t->encode(bytes)) out += decoder.push(id);
    return out + decoder.finish();
  };
  EXPECT_EQ(decoded("a\xff"
                    "b"),
            "a\ufffd"
            "b");
  EXPECT_EQ(decoded("\xe6\x97"), "\ufffd");                  // an unfinished character at the end
  EXPECT_EQ(decoded("\xe6\x97x"), "\ufffdx");                // one U+FFFD for a broken beginning
  EXPECT_EQ(decoded("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");  // a surrogate
  EXPECT_EQ(decoded("\xf0\x9f\xa6\xf0\x9f\xa6\x99"), "\ufffd🦙");
  EXPECT_EQ(decoded("\xc0\xaf"), "\ufffd\ufffd");
}

TEST(Tokenizer, StreamAgreesWithDecodeOnTheLeadingSpace) {
  REQUIRE_TEST_DATA("tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf");
  const auto t = Tokenizer::from_gguf(
      GgufFile::open(test::data("tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf")));
  for (const std::string text : {"Hello world", " two", "", "日本 🦙\n x", "\xff\xfe"}) {
    const auto ids = t->encode(text, {.bos = true});
    EXPECT_EQ(t->decode(ids), text);
    if (!unicode::is_valid_utf8(text)) continue;
    StreamDecoder stream(*t);
    std::string all;
    for (int32_t id : ids) all += stream.push(id);
    EXPECT_EQ(all + stream.finish(), text);
  }
}

TEST(Tokenizer, LongWordsDoNotHang) {
  REQUIRE_TEST_DATA("tokenizers/ggml-vocab/ggml-vocab-llama-bpe.gguf");
  for (const char* name : {"llama-bpe", "llama-spm", "deepseek-llm"}) {
    const auto t = Tokenizer::from_gguf(GgufFile::open(
        test::data(std::string("tokenizers/ggml-vocab/ggml-vocab-") + name + ".gguf")));
    for (const std::string unit : {"a", " ", "日", "\xff"}) {
      std::string text;
      while (text.size() < (1 << 20)) text += unit;
      const auto start = std::chrono::steady_clock::now();
      const auto ids = t->encode(text);
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      // deepseek-llm lacks the bytes that UTF-8 never uses.
      EXPECT_TRUE(t->decode(ids) == text ||
                  (unit == "\xff" && name == std::string_view("deepseek-llm")))
          << name;
      EXPECT_LT(seconds, 20) << name << " on a run of "
                             << unit;  // a quadratic algorithm takes minutes
    }
  }
}

TEST(Tokenizer, IdsOutsideTheVocabularyAreAnError) {
  const auto t = train_bpe({"abc"}, {.vocab_size = 257});
  EXPECT_THROW(t->token_bytes(-1), Error);
  EXPECT_THROW(t->token_text(257), Error);
  EXPECT_THROW(t->decode(std::vector<int32_t>{1 << 30}), Error);
}

}  // namespace
}  // namespace avocado
