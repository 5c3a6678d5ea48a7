#include "infer/drafter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/philox.h"
#include "expect_error.h"
#include "infer/generate.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "tiny_model.h"

namespace avocado {
namespace {

// The definition: the longest agreement, the latest of equals.
std::vector<int32_t> looked_up(const std::vector<int32_t>& text, size_t most) {
  size_t best = 0, longest = 1;
  for (size_t place = 2; place < text.size(); ++place) {
    size_t n = 0;
    while (n < place && text[place - 1 - n] == text[text.size() - 1 - n]) ++n;
    if (n >= longest) longest = n, best = place;
  }
  if (longest < 2) return {};
  const size_t end = std::min(best + most, text.size());
  return {text.begin() + static_cast<int64_t>(best), text.begin() + static_cast<int64_t>(end)};
}

TEST(LookupDrafter, FollowsTextsThatGrowAndShrink) {
  const Random random(7, Purpose::test);
  uint64_t draw = 0;
  const auto drafter = lookup_drafter();
  std::vector<int32_t> text;
  int found = 0;
  for (int step = 0; step < 3000; ++step) {
    // Below 60 tokens, so that neither the candidates nor the comparison are cut short.
    const size_t length = random.below(draw++, 60);
    if (length < text.size()) text.resize(length);
    while (text.size() < length) text.push_back(static_cast<int32_t>(random.below(draw++, 3)));
    const size_t most = random.below(draw++, 6);
    const std::vector<int32_t> expected =
        most == 0 ? std::vector<int32_t>{} : looked_up(text, most);
    ASSERT_EQ(drafter->draft(text, most), expected) << "step " << step;
    found += !expected.empty();
  }
  EXPECT_GT(found, 1000);
}

// A machine on which a step takes `fixed` and `each` per token that goes through, and on which a
// guess is right with some chance.
double tokens_per_second(double chance, double fixed, double each, size_t most) {
  const Random random(3, Purpose::test);
  DraftLength length(most);
  double tokens = 0, time = 0;
  uint64_t draw = 0;
  for (int step = 0; step < 4000; ++step) {
    const size_t drafted = length.next();
    EXPECT_LE(drafted, most);
    size_t right = 0;
    while (right < drafted && random.uniform(draw++) < static_cast<float>(chance)) ++right;
    const double seconds = fixed + each * static_cast<double>(drafted + 1);
    length.learn(drafted, right, seconds);
    tokens += static_cast<double>(right + 1);
    time += seconds;
  }
  return tokens / time;
}

TEST(DraftLength, GuessesWhereItPays) {
  const double plain = 1.0 / 1.01;
  EXPECT_GT(tokens_per_second(0.9, 1, 0.01, 8), 4 * plain);  // reading the weights costs most
  EXPECT_GT(tokens_per_second(0.5, 1, 0.01, 8), 1.6 * plain);
  EXPECT_GT(tokens_per_second(0.0, 1, 0.01, 8), 0.97 * plain);  // always wrong
  EXPECT_GT(tokens_per_second(0.9, 0, 1, 8), 0.95);             // a token more is a step more
}

class WrongDrafter : public Drafter {
 public:
  std::vector<int32_t> draft(std::span<const int32_t> tokens, size_t most) override {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < most; ++i)
      ids.push_back(static_cast<int32_t>((tokens.size() * 7 + i * 13) % 260));
    return ids;
  }
};

class SpeculationTest : public testing::Test {
 protected:
  SpeculationTest() {
    BpeTrainerOptions trainer;
    trainer.vocab_size = 300;
    trainer.special_tokens = {"<|begin|>", "<|end|>"};
    trainer.bos = "<|begin|>";
    trainer.eos = "<|end|>";
    tokenizer_ = train_bpe({"to be or not to be, that is the question"}, trainer);
    model_.emplace(make("tiny.gguf", 7));
    engine_.emplace(*model_, pool_);
  }
  Model make(const char* name, int64_t padding) {
    ModelConfig config = architecture("qwen3", "test").tiny();
    config.vocab = tokenizer_->vocab_size() + padding;
    config.context = 200;
    const std::string path = folder_.file(name);
    test::write_tiny_model(config, path, tokenizer_.get());
    return Model::load(path, pool_);
  }
  Completion answer(std::span<const int32_t> prompt, const GenerateOptions& options) {
    const ScopedSequence sequence(*engine_);
    return generate(*engine_, sequence, prompt, options);
  }

  test::TempFolder folder_;
  ThreadPool pool_{2};
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<Model> model_;
  std::optional<Engine> engine_;
};

TEST_F(SpeculationTest, GivesTheTokensOfPlainDecoding) {
  Engine draft_engine(*model_, pool_);
  int64_t drafted = 0, right = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    // A phrase three times, so that there is something to look up.
    std::vector<int32_t> prompt = test::random_ids(9, tokenizer_->vocab_size(), seed);
    for (int i = 0; i < 18; ++i) prompt.push_back(prompt[static_cast<size_t>(i)]);
    for (const float temperature : {0.0f, 0.7f, 1.5f}) {
      GenerateOptions options;
      options.max_tokens = seed % 4 == 0 ? -1 : 60;  // -1: to the end of the context
      options.sampling.temperature = temperature;
      options.sampling.seed = seed;
      options.stop_at_ends = false;
      if (seed % 3 == 1) options.banned_strings = {"t", "be"};
      if (seed % 3 == 2) options.sampling.dry_multiplier = 0.8f;
      const Completion plain = answer(prompt, options);

      WrongDrafter wrong;
      const auto lookup = lookup_drafter();
      const auto model = model_drafter(draft_engine, *tokenizer_, options.sampling);
      for (Drafter* drafter : {static_cast<Drafter*>(&wrong), lookup.get(), model.get()}) {
        for (const size_t most : {1, 4, 16}) {
          options.drafter = drafter;
          options.most_drafted = most;
          const Completion guessed = answer(prompt, options);
          ASSERT_EQ(guessed.ids, plain.ids) << "seed " << seed << ", temperature " << temperature;
          EXPECT_EQ(guessed.stop, plain.stop);
          EXPECT_EQ(guessed.text, plain.text);
          drafted += guessed.drafted;
          right += guessed.drafted_right;
        }
      }
    }
  }
  EXPECT_GT(right, 1000);
  EXPECT_GT(drafted, right);
}

TEST_F(SpeculationTest, TheSameModelIsMostlyRight) {
  Engine draft_engine(*model_, pool_);
  GenerateOptions options;
  options.max_tokens = 100;
  options.sampling.temperature = 1;
  options.stop_at_ends = false;
  const auto model = model_drafter(draft_engine, *tokenizer_, options.sampling);
  options.drafter = model.get();
  const Completion completion = answer(test::random_ids(20, tokenizer_->vocab_size(), 5), options);
  EXPECT_GT(completion.drafted, 10);
  EXPECT_GE(10 * completion.drafted_right, 9 * completion.drafted);  // padding is never guessed
}

TEST_F(SpeculationTest, AnotherVocabularyIsRefused) {
  BpeTrainerOptions trainer;
  trainer.vocab_size = 290;
  const auto other = train_bpe({"another text altogether"}, trainer);
  EXPECT_AVOCADO_ERROR(model_drafter(*engine_, *other, {}), ErrorKind::usage, "vocabulary");
}

}  // namespace
}  // namespace avocado
