#include "infer/drafter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "expect_error.h"
#include "infer/generate.h"
#include "tiny_engine.h"

namespace avocado {
namespace {

// Texts one after the other, each unlike the others.
std::vector<int32_t> text_of(uint64_t seed, int64_t count) {
  return test::random_ids(count, 1'000'000, seed);
}

TEST(SuffixDrafter, FollowsATextThatGrowsShrinksAndChanges) {
  const auto drafter = suffix_drafter();
  std::vector<int32_t> text = text_of(1, 50);
  const std::vector<int32_t> first = text;
  EXPECT_TRUE(drafter->draft(text, 4).ids.empty());
  text.insert(text.end(), first.begin(), first.begin() + 5);
  EXPECT_EQ(drafter->draft(text, 3).ids,
            (std::vector<int32_t>(first.begin() + 5, first.begin() + 8)));
  EXPECT_EQ(drafter->draft(text, 3).matched, 5u);
  text.resize(52);  // goes back a little, and on elsewhere
  text.push_back(first[20]);
  EXPECT_EQ(drafter->draft(text, 1).ids, (std::vector<int32_t>{first[21]}));
  EXPECT_EQ(drafter->draft(text, 1).matched, 1u);
}

TEST(SuffixDrafter, RemembersEarlierTextsButNotAcrossTheirEnds) {
  const auto drafter = suffix_drafter();
  const std::vector<int32_t> first = text_of(1, 200), second = text_of(2, 200);
  drafter->draft(first, 1);
  drafter->draft(second, 1);
  std::vector<int32_t> third = text_of(3, 200);
  third.insert(third.end(), first.end() - 7, first.end() - 3);
  EXPECT_EQ(drafter->draft(third, 9).ids, (std::vector<int32_t>(first.end() - 3, first.end())));
  EXPECT_EQ(drafter->draft(third, 9).matched, 4u);
}

TEST(SuffixDrafter, ForgetsTheOldestTextsAndBeginnings) {
  const auto drafter = suffix_drafter();
  std::vector<int32_t> text = text_of(1, 1000);
  drafter->draft(text, 1);
  const auto finds = [&](int32_t token) {
    std::vector<int32_t> ended = text;
    ended.push_back(token);
    return drafter->draft(ended, 1).matched > 0;
  };
  const int32_t old = text[500];
  EXPECT_TRUE(finds(old));
  text = text_of(2, 100'000);
  EXPECT_TRUE(finds(old));
  text = text_of(3, 140'000);  // more than it holds
  EXPECT_FALSE(finds(old));
  EXPECT_FALSE(finds(text[50'000]));
  EXPECT_TRUE(finds(text[139'000]));
}

class WrongDrafter : public Drafter {
 public:
  Draft draft(std::span<const int32_t> tokens, size_t most) override {
    Draft draft;
    for (size_t i = 0; i < most; ++i)
      draft.ids.push_back(static_cast<int32_t>((tokens.size() * 7 + i * 13) % 260));
    return draft;
  }
};

class SpeculatedAnswers : public test::TinyEngineTest {
 protected:
  SpeculatedAnswers()
      : TinyEngineTest(200), trie_(std::make_shared<grammar::TokenTrie>(tokenizer())) {}

  // A phrase three times, so that there is something to look up.
  std::vector<int32_t> prompt(uint64_t seed) const {
    std::vector<int32_t> ids = test::random_ids(9, tokenizer().vocab_size(), seed);
    for (size_t i = 0; i < 18; ++i) ids.push_back(ids[i]);
    return ids;
  }
  // A little of everything that changes answers.
  GenerateOptions request(uint64_t seed) const {
    GenerateOptions options;
    options.max_tokens = seed % 8 == 0 ? -1 : 30;  // -1: to the end of the context
    options.sampling.seed = seed;
    options.stop_at_ends = seed % 3 == 0;
    if (seed % 4 == 1) options.banned_strings = {"t", "e", "o", "a", "i", "n", "s", "r", " "};
    if (seed % 4 == 2) options.sampling.dry_multiplier = 0.8f;
    if (seed % 4 == 3) {
      options.constraint = grammar::Constraint::from_gbnf(
          R"(root ::= "to" (" be" | " or" | " not" | ", that")+ ".")");
      options.trie = trie_;
      options.stop_at_ends = true;
    }
    if (seed % 8 == 3) options.banned_strings = {"be or", "not not"};
    if (seed % 8 == 5) options.sampling.mirostat = 2;
    if (seed % 8 == 6) options.stop_strings = {"to", "e"};
    return options;
  }

  std::shared_ptr<const grammar::TokenTrie> trie_;
};

TEST_F(SpeculatedAnswers, AreThoseOfPlainDecoding) {
  Engine draft_engine(*model_, pool_);
  std::map<std::string, int64_t> drafted, right;
  int64_t taken_back = 0;
  for (uint64_t seed = 0; seed < 24; ++seed) {
    for (const float temperature : {0.0f, 0.7f, 1.5f}) {
      GenerateOptions options = request(seed);
      options.sampling.temperature = temperature;
      const Completion plain = answer(prompt(seed), options);
      taken_back += plain.taken_back;
      for (const std::string method : {"wrong", "suffix", "model", "all", "measured"}) {
        const bool all = method == "all" || method == "measured";
        Speculation speculation(
            {.most = seed % 2 == 0 ? size_t{3} : 16, .always = method != "measured"});
        if (all || method == "wrong") speculation.add("wrong", std::make_unique<WrongDrafter>());
        if (all || method == "suffix") speculation.add("suffix", suffix_drafter());
        if (all || method == "model")
          speculation.add("model", model_drafter(draft_engine, tokenizer(), options.sampling));
        options.speculation = &speculation;
        const Completion guessed = answer(prompt(seed), options);
        ASSERT_EQ(guessed.ids, plain.ids)
            << method << ", seed " << seed << ", temperature " << temperature;
        EXPECT_EQ(guessed.stop, plain.stop);
        EXPECT_EQ(guessed.text, plain.text);
        EXPECT_EQ(guessed.taken_back, plain.taken_back);
        drafted[method] += guessed.drafted;
        right[method] += guessed.drafted_right;
        int64_t of_methods = 0;
        for (const Speculation::Account& account : speculation.accounts())
          of_methods += account.right;
        EXPECT_EQ(of_methods, guessed.drafted_right);
      }
    }
  }
  EXPECT_GT(taken_back, 20);
  for (const std::string method : {"suffix", "model", "all"}) {
    EXPECT_GT(right[method], 100) << method;
    EXPECT_GT(drafted[method], right[method]) << method;
  }
  EXPECT_GT(drafted["wrong"], 1000);
}

TEST_F(SpeculatedAnswers, CanBeReplayed) {
  GenerateOptions options;
  options.replayed = test::random_ids(60, tokenizer().vocab_size(), 9);
  options.max_tokens = 80;
  options.stop_at_ends = false;
  const Completion plain = answer(prompt(1), options);
  ASSERT_EQ(plain.ids.size(), 80u);
  EXPECT_TRUE(std::equal(options.replayed.begin(), options.replayed.end(), plain.ids.begin()));
  Speculation speculation({.always = true});
  speculation.add("suffix", suffix_drafter());
  options.speculation = &speculation;
  EXPECT_EQ(answer(prompt(1), options).ids, plain.ids);
  // The second time it is known.
  const Completion again = answer(prompt(1), options);
  EXPECT_EQ(again.ids, plain.ids);
  EXPECT_GT(again.drafted_right, 60);
}

TEST_F(SpeculatedAnswers, TheSameModelIsMostlyRight) {
  Engine draft_engine(*model_, pool_);
  GenerateOptions options;
  options.max_tokens = 100;
  options.sampling.temperature = 1;
  options.stop_at_ends = false;
  Speculation speculation({.most = 8, .always = true});
  speculation.add("model", model_drafter(draft_engine, tokenizer(), options.sampling));
  options.speculation = &speculation;
  const Completion completion = answer(test::random_ids(20, tokenizer().vocab_size(), 5), options);
  EXPECT_GT(completion.drafted, 10);
  EXPECT_GE(10 * completion.drafted_right, 9 * completion.drafted);  // padding is never guessed
}

TEST_F(SpeculatedAnswers, AnotherVocabularyIsRefused) {
  BpeTrainerOptions trainer;
  trainer.vocab_size = 290;
  const auto other = train_bpe({"another text altogether"}, trainer);
  EXPECT_AVOCADO_ERROR(model_drafter(*engine_, *other, {}), ErrorKind::usage, "vocabulary");
}

}  // namespace
}  // namespace avocado
