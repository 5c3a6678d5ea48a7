#include "infer/generate.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "tiny_engine.h"

namespace avocado {
namespace {

class GenerateTest : public test::TinyEngineTest {
 protected:
  GenerateTest() {
    options_.max_tokens = 20;
    options_.stop_at_ends = false;  // random weights would end where chance has it
  }

  std::vector<int32_t> prompt(int64_t count, uint64_t seed) const {
    return test::random_ids(count, engine_->vocab(), seed);
  }
  Completion alone(std::span<const int32_t> ids) { return answer(ids, options_); }

  GenerateOptions options_;
};

TEST_F(GenerateTest, EqualsForwardAndSampleByHand) {
  const std::vector<int32_t> ids = prompt(30, 1);
  const Completion completion = alone(ids);
  EXPECT_EQ(completion.stop, StopReason::max_tokens);
  ASSERT_EQ(completion.ids.size(), 20u);

  std::vector<int32_t> all = ids;
  for (int32_t id : completion.ids) {
    const std::vector<float> logits = test::logits_of(*engine_, all);
    const auto last = std::span<const float>(logits).last(engine_->vocab());
    ASSERT_EQ(id, sample(last, all, options_.sampling, static_cast<int64_t>(all.size())));
    all.push_back(id);
  }
}

TEST_F(GenerateTest, ReusesWhatTheSequenceHolds) {
  std::vector<int32_t> ids = prompt(80, 2);
  const ScopedSequence sequence(*engine_);
  const Completion first = generate(*engine_, sequence, ids, options_);
  // The same prompt again, one that goes on, one that is shorter, one that parts at 40.
  EXPECT_EQ(generate(*engine_, sequence, ids, options_).ids, first.ids);
  ids.push_back(first.ids[0]);
  ids.push_back(3);
  EXPECT_EQ(generate(*engine_, sequence, ids, options_).ids, alone(ids).ids);
  ids.resize(50);
  EXPECT_EQ(generate(*engine_, sequence, ids, options_).ids, alone(ids).ids);
  ids[40] ^= 1;
  EXPECT_EQ(generate(*engine_, sequence, ids, options_).ids, alone(ids).ids);
}

TEST_F(GenerateTest, BatchEqualsOneByOne) {
  std::vector<std::vector<int32_t>> prompts;
  for (uint64_t i = 0; i < 23; ++i)
    prompts.push_back(prompt(1 + static_cast<int64_t>(i * 7 % 50), i));
  options_.max_tokens = 9;
  options_.stop_at_ends = true;
  for (float temperature : {0.0f, 1.5f}) {
    options_.sampling.temperature = temperature;
    const std::vector<Completion> batched = generate_batch(*engine_, prompts, options_, 8);
    ASSERT_EQ(batched.size(), prompts.size());
    for (size_t i = 0; i < prompts.size(); ++i) {
      const Completion single = alone(prompts[i]);
      EXPECT_EQ(batched[i].ids, single.ids) << "prompt " << i;
      EXPECT_EQ(batched[i].stop, single.stop) << "prompt " << i;
    }
  }
}

TEST_F(GenerateTest, StopsAtEndTokens) {
  const std::vector<int32_t> ids = prompt(10, 3);
  const Completion whole = alone(ids);
  options_.stop_at_ends = true;
  options_.ends = {whole.ids[5]};
  const auto end = std::find(whole.ids.begin(), whole.ids.end(), whole.ids[5]);
  const Completion cut = alone(ids);
  EXPECT_EQ(cut.ids, std::vector<int32_t>(whole.ids.begin(), end));
  EXPECT_EQ(cut.stop, StopReason::end_token);
}

TEST_F(GenerateTest, StopsWhenTheContextIsFull) {
  options_.max_tokens = -1;
  const Completion completion = alone(prompt(100, 4));
  EXPECT_EQ(completion.stop, StopReason::context_full);
  // 20 more fit, and one is drawn from the last of them.
  EXPECT_EQ(completion.ids.size(), 21u);
  EXPECT_EQ(alone(prompt(120, 4)).ids.size(), 1u);
}

TEST_F(GenerateTest, StopsWhenInterrupted) {
  int asked = 0;
  GenerateHooks hooks;
  hooks.interrupted = [&] { return ++asked > 4; };
  const ScopedSequence sequence(*engine_);
  const Completion completion = generate(*engine_, sequence, prompt(10, 5), options_, hooks);
  EXPECT_EQ(completion.stop, StopReason::interrupted);
  EXPECT_EQ(completion.ids.size(), 4u);
}

TEST_F(GenerateTest, StreamsTheTextOfTheTokens) {
  std::vector<std::string> pieces;
  bool prompt_done = false;
  GenerateHooks hooks;
  hooks.text = [&](const std::string& piece) {
    EXPECT_TRUE(prompt_done);
    pieces.push_back(piece);
  };
  hooks.prompt_done = [&] { prompt_done = true; };
  const std::vector<int32_t> ids = tokenizer().encode("to be");
  options_.max_tokens = 60;
  const ScopedSequence sequence(*engine_);
  const Completion completion = generate(*engine_, sequence, ids, options_, hooks);
  std::string text;
  for (const std::string& piece : pieces) {
    EXPECT_FALSE(piece.empty());
    text += piece;
  }
  StreamDecoder decoder(tokenizer());
  std::string expected;
  for (int32_t id : completion.ids) {
    if (id < tokenizer().vocab_size()) expected += decoder.push(id);
  }
  EXPECT_EQ(text, expected + decoder.finish());
  EXPECT_GT(pieces.size(), 10u);
}

TEST_F(GenerateTest, RefusesWhatCannotBeRun) {
  EXPECT_AVOCADO_ERROR(alone({}), ErrorKind::usage, "the prompt is empty");
  EXPECT_AVOCADO_ERROR(alone(prompt(121, 1)), ErrorKind::usage,
                       "the prompt has 121 tokens, but the context holds 120");
  EXPECT_AVOCADO_ERROR(generate_batch(*engine_, {{1}, {}}, options_), ErrorKind::usage,
                       "the prompt is empty");
  options_.sampling.temperature = -1;
  EXPECT_AVOCADO_ERROR(alone(prompt(3, 1)), ErrorKind::usage, "temperature");
  options_.sampling.temperature = 0;
  options_.max_tokens = 0;
  EXPECT_TRUE(alone(prompt(3, 1)).ids.empty());
  EXPECT_EQ(generate_batch(*engine_, {{1}, {2}}, options_).size(), 2u);
}

}  // namespace
}  // namespace avocado
