#include "infer/answer_text.h"

#include <gtest/gtest.h>

#include "base/philox.h"
#include "expect_error.h"
#include "text/bpe_trainer.h"

namespace avocado {
namespace {

class AnswerTextTest : public testing::Test {
 protected:
  AnswerTextTest() {
    BpeTrainerOptions trainer;
    trainer.vocab_size = 300;
    tokenizer_ = train_bpe({"to be or not to be, that is the question"}, trainer);
  }

  AnswerText watching(const std::vector<std::string>& stops,
                      const std::vector<std::string>& banned = {}) const {
    return AnswerText(tokenizer_.get(), {}, stops, banned);
  }
  int32_t byte(char c) const {
    for (int32_t id = 0; id < tokenizer_->vocab_size(); ++id)
      if (tokenizer_->token_bytes(id) == std::string(1, c)) return id;
    ADD_FAILURE() << "no token for a byte";
    return -1;
  }
  std::vector<int32_t> bytes(const std::string& text) const {
    std::vector<int32_t> ids;
    for (const char c : text) ids.push_back(byte(c));
    return ids;
  }

  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(AnswerTextTest, HoldsBackOnlyWhatCouldBecomeAString) {
  AnswerText text = watching({"END"});
  std::string given;
  const auto push = [&](const char* piece) {
    for (const int32_t id : bytes(piece)) EXPECT_FALSE(text.push(id)) << piece;
    return text.take();
  };
  EXPECT_EQ(push("ab"), "ab");
  EXPECT_EQ(push("E"), "");
  EXPECT_EQ(push("N"), "");
  EXPECT_EQ(push("x"), "ENx");
  EXPECT_EQ(push("EEN"), "E");
  EXPECT_EQ(text.finish(), "EN");
}

TEST_F(AnswerTextTest, FindsTheStringThatEndsFirstHoweverItIsCut) {
  const std::vector<std::string> stops = {"not to", "t to b", "be"};
  const auto found = [&](const std::vector<int32_t>& ids) -> std::pair<size_t, size_t> {
    AnswerText text = watching(stops);
    for (const int32_t id : ids)
      if (const auto match = text.push(id)) return {match->string, match->begin};
    return {9, 9};
  };
  for (const auto& [whole, string, begin] : std::vector<std::tuple<std::string, size_t, size_t>>{
           {"or not to be", 0, 3}, {"got to be", 1, 2}, {"to be or not", 2, 3}, {"to", 9, 9}}) {
    const std::pair<size_t, size_t> expected{string, begin};
    EXPECT_EQ(found(tokenizer_->encode(whole)), expected) << whole;
    EXPECT_EQ(found(bytes(whole)), expected) << whole;
  }
  EXPECT_LT(tokenizer_->encode("or not to be").size(), 12u);  // tokens of several bytes
}

TEST_F(AnswerTextTest, NothingGivenOutIsEverPartOfAString) {
  const std::vector<std::string> stops = {"abba", "bb"}, banned = {"aab", "ca", "\xc3\xa9"};
  const Random random(9, Purpose::test);
  uint64_t at = 0;
  int matches = 0, rewinds = 0;
  for (int trial = 0; trial < 500; ++trial) {
    AnswerText text = watching(stops, banned);
    std::vector<int32_t> ids;
    std::string given;
    while (ids.size() < 30) {
      const char* alphabet[] = {"a", "b", "c", "\xc3", "\xa9", "x"};
      const int32_t id = byte(alphabet[random.below(at++, 6)][0]);
      ids.push_back(id);
      const auto match = text.push(id);
      if (match && !match->banned) {
        ++matches;
        const size_t tokens = text.cut(match->begin);
        EXPECT_LE(tokens, ids.size());
        ids.resize(tokens);
        break;
      }
      if (match) {
        ++rewinds;
        EXPECT_LT(match->token, ids.size());
        EXPECT_GE(match->token, text.given());
        ids.resize(match->token);
        text.rewind(match->token);
      }
      given += text.take();
    }
    given += text.finish();
    StreamDecoder decoder(*tokenizer_);
    std::string expected;
    for (const int32_t id : ids) expected += decoder.push(id);
    EXPECT_EQ(given, expected + decoder.finish());
    for (const auto* list : {&stops, &banned})
      for (const std::string& s : *list) EXPECT_EQ(given.find(s), std::string::npos) << given;
  }
  EXPECT_GT(matches, 50);
  EXPECT_GT(rewinds, 50);
}

TEST_F(AnswerTextTest, CharactersInSeveralTokensStayWhole) {
  AnswerText text = watching({}, {"\xe6\x97\xa5\xe8"});
  std::vector<std::string> pieces;
  for (const int32_t id : bytes("\xe6\x97\xa5x\xe6\x97\xa5\xe6\x97")) {
    EXPECT_FALSE(text.push(id));
    pieces.push_back(text.take());
  }
  pieces.push_back(text.finish());
  // The last beginning may be taken back, and then the character before it is one, too.
  EXPECT_EQ(pieces, (std::vector<std::string>{"", "", "", "\xe6\x97\xa5x", "", "", "", "", "",
                                              "\xe6\x97\xa5\xef\xbf\xbd"}));
  // The beginning of a character may stand in the prompt.
  const std::vector<int32_t> prompt = bytes("a\xe6\x97");
  AnswerText rest(tokenizer_.get(), prompt, {}, {});
  rest.push(byte('\xa5'));
  EXPECT_EQ(rest.take(), "\xe6\x97\xa5");
}

TEST_F(AnswerTextTest, AStopStringComesBeforeABannedOneThatEndsWithIt) {
  AnswerText text = watching({"b"}, {"ab", "b"});
  EXPECT_FALSE(text.push(byte('a')));
  const auto match = text.push(byte('b'));
  ASSERT_TRUE(match);
  EXPECT_FALSE(match->banned);
  EXPECT_EQ(text.cut(match->begin), 1u);
  EXPECT_EQ(text.finish(), "a");
}

TEST_F(AnswerTextTest, RefusesStringsThatMakeNoSense) {
  EXPECT_AVOCADO_ERROR(watching({"a", ""}), ErrorKind::usage,
                       "stop string 2 has 0 bytes; it must have from 1 to 1024");
  EXPECT_AVOCADO_ERROR(watching({}, {std::string(1025, 'a')}), ErrorKind::usage,
                       "banned string 1 has 1025 bytes");
  EXPECT_AVOCADO_ERROR(watching(std::vector<std::string>(4097, "a")), ErrorKind::usage,
                       "4097 stop strings were given; at most 4096");
  const std::vector<std::string> some = {"a"};
  EXPECT_AVOCADO_ERROR(AnswerText(nullptr, {}, some, {}), ErrorKind::usage,
                       "stop strings need a model with a tokenizer");
}

}  // namespace
}  // namespace avocado
