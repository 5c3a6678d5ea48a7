// What becomes of a full context, and of prompts that do not fit into it.

#include <gtest/gtest.h>

#include "expect_error.h"
#include "infer/generate.h"
#include "infer/overflow.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "tiny_model.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kVocab = 250;  // ids that the model surely has

class ContextShiftTest : public testing::Test {
 protected:
  ContextShiftTest() {
    BpeTrainerOptions trainer;
    trainer.vocab_size = 300;
    trainer.special_tokens = {"<|begin|>", "<|end|>"};
    trainer.bos = "<|begin|>";
    trainer.eos = "<|end|>";
    const auto tokenizer = train_bpe({"to be or not to be, that is the question"}, trainer);
    ModelConfig config = architecture("qwen3", "test").tiny();
    config.vocab = tokenizer->vocab_size();
    config.context = 48;
    const std::string path = folder_.file("tiny.gguf");
    test::write_tiny_model(config, path, tokenizer.get());
    model_.emplace(Model::load(path, pool_));
    bos_ = tokenizer->bos();
    options_.context_shift = true;
    options_.max_tokens = 150;
    options_.stop_at_ends = false;
    options_.sampling.temperature = 2;
    options_.sampling.top_k = 0;
    options_.sampling.repeat_penalty = 1.2f;  // looks at what is left
  }

  Completion alone(const std::vector<int32_t>& prompt, const GenerateOptions& options,
                   int64_t chunk = 512) {
    EngineOptions engine_options;
    engine_options.chunk = chunk;
    Engine engine(*model_, pool_, engine_options);
    const ScopedSequence sequence(engine);
    return generate(engine, sequence, prompt, options);
  }

  // Every token from a fresh prompt of what is left.
  std::vector<int32_t> by_hand(std::vector<int32_t> tokens, size_t keep) {
    Engine engine(*model_, pool_);
    const SamplerChain chain(options_.sampling, engine.vocab(), model_->tokenizer());
    std::vector<int32_t> answer;
    while (static_cast<int64_t>(answer.size()) < options_.max_tokens) {
      if (static_cast<int64_t>(tokens.size()) > engine.context()) {
        const auto from = tokens.begin() + static_cast<ptrdiff_t>(keep);
        tokens.erase(from, from + (tokens.end() - from + 1) / 2);
      }
      const std::vector<float> logits = test::logits_of(engine, tokens);
      const auto last = std::span<const float>(logits).last(static_cast<size_t>(engine.vocab()));
      answer.push_back(chain.sample({last, tokens, static_cast<int64_t>(tokens.size())}).id);
      tokens.push_back(answer.back());
    }
    return answer;
  }

  test::TempFolder folder_;
  ThreadPool pool_{2};
  std::optional<Model> model_;
  int32_t bos_ = -1;
  GenerateOptions options_;
};

TEST_F(ContextShiftTest, EqualsAFreshPromptOfWhatIsLeft) {
  for (const int64_t keep : {0, 5, 30, 47}) {
    options_.keep = keep;
    options_.max_tokens = keep == 47 ? 20 : 150;
    const std::vector<int32_t> prompt =
        test::random_ids(20, kVocab, static_cast<uint64_t>(keep) + 1);
    const std::vector<int32_t> expected = by_hand(prompt, static_cast<size_t>(keep));
    for (const int64_t chunk : {1, 7, 512}) {
      const Completion done = alone(prompt, options_, chunk);
      EXPECT_EQ(done.ids, expected) << "keep " << keep << ", chunk " << chunk;
      EXPECT_EQ(done.stop, StopReason::max_tokens);
      EXPECT_EQ(done.forgotten > 0, keep != 47);
    }
  }
  // A token that begins the text stays.
  options_.keep = 0;
  options_.max_tokens = 150;
  std::vector<int32_t> prompt = test::random_ids(20, kVocab, 9);
  prompt[0] = bos_;
  EXPECT_EQ(alone(prompt, options_).ids, by_hand(prompt, 1));
}

TEST_F(ContextShiftTest, IsTheSameInABatchWithGuessesAndWhenTokensAreTakenBack) {
  std::vector<GenerateRequest> requests;
  for (uint64_t i = 0; i < 7; ++i) {
    requests.push_back({test::random_ids(3 + static_cast<int64_t>(i) * 6, kVocab, i), options_});
    requests[i].options.keep = static_cast<int64_t>(i % 3) * 4;
    if (i % 2 == 1) requests[i].options.banned_strings = {"t", "e", " ", "o", "a"};
    if (i == 4) requests[i].options.context_shift = false;
  }
  Engine engine(*model_, pool_);
  const std::vector<Completion> batched = generate_batch(engine, requests, 4);
  Speculation speculation({.always = true});
  speculation.add("suffix", suffix_drafter());
  int64_t taken_back = 0, drafted = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    const Completion single = alone(requests[i].prompt, requests[i].options);
    EXPECT_EQ(batched[i].ids, single.ids) << "request " << i;
    EXPECT_EQ(batched[i].text, single.text);
    EXPECT_EQ(batched[i].forgotten, single.forgotten);
    requests[i].options.speculation = &speculation;
    const Completion guessed = alone(requests[i].prompt, requests[i].options);
    EXPECT_EQ(guessed.ids, single.ids) << "request " << i;
    EXPECT_EQ(guessed.forgotten, single.forgotten);
    taken_back += single.taken_back;
    drafted += guessed.drafted;
  }
  EXPECT_EQ(batched[4].stop, StopReason::context_full);
  EXPECT_EQ(batched[4].forgotten, 0);
  EXPECT_GT(taken_back, 5);
  EXPECT_GT(drafted, 0);
}

// A long string that is held back may begin before what was forgotten.
TEST_F(ContextShiftTest, RemembersWhatWasForgottenWhenItGoesBack) {
  const std::vector<int32_t> prompt = test::random_ids(40, kVocab, 3);
  const Completion plain = alone(prompt, options_);
  // The eight tokens in which the context becomes full.
  std::string banned;
  for (size_t i = 6; i < 14; ++i) banned += model_->tokenizer()->token_bytes(plain.ids[i]);
  options_.banned_strings = {banned};
  const Completion done = alone(prompt, options_);
  ASSERT_GT(done.taken_back, 0);
  EXPECT_TRUE(std::equal(done.ids.begin(), done.ids.begin() + 6, plain.ids.begin()));
  ASSERT_NE(done.ids[6], plain.ids[6]);
  // It goes on as if the other token had come at once.
  std::vector<int32_t> begun = prompt;
  begun.insert(begun.end(), done.ids.begin(), done.ids.begin() + 7);
  GenerateOptions rest = options_;
  rest.max_tokens = options_.max_tokens - 7;
  rest.banned_strings.clear();
  EXPECT_EQ(alone(begun, rest).ids, std::vector<int32_t>(done.ids.begin() + 7, done.ids.end()));
}

TEST_F(ContextShiftTest, RefusesToKeepEverything) {
  options_.keep = 48;
  EXPECT_AVOCADO_ERROR(alone({1, 2}, options_), ErrorKind::usage, "keep is 48");
  options_.keep = -1;
  EXPECT_AVOCADO_ERROR(alone({1, 2}, options_), ErrorKind::usage, "from 0 to 47");
}

TEST(Overflow, CutsTheMiddleOfAText) {
  std::vector<int32_t> prompt(100);
  for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<int32_t>(i);
  const std::vector<int32_t> whole = prompt;
  EXPECT_EQ(fit_text(prompt, {100, -1, Overflow::cut_middle}).tokens, 0);
  EXPECT_EQ(fit_text(prompt, {0, -1, Overflow::cut_middle}).tokens, 0);
  EXPECT_EQ(fit_text(prompt, {50, -1, Overflow::refuse}).tokens, 0);
  EXPECT_EQ(prompt, whole);
  EXPECT_EQ(fit_text(prompt, {40, 3, Overflow::cut_middle}).tokens, 63);
  ASSERT_EQ(prompt.size(), 37u);
  EXPECT_EQ(prompt[18], 18);
  EXPECT_EQ(prompt[19], 82);
  EXPECT_EQ(prompt.back(), 99);
  prompt = whole;
  EXPECT_EQ(fit_text(prompt, {40, -1, Overflow::cut_middle}).tokens, 70);  // a quarter is left
  prompt = whole;
  fit_text(prompt, {1, 5, Overflow::cut_middle});
  EXPECT_EQ(prompt, std::vector<int32_t>{0});
  EXPECT_AVOCADO_ERROR(fit_text(prompt, {4, -1, Overflow::drop_oldest}), ErrorKind::usage,
                       "cut-middle");
  EXPECT_AVOCADO_ERROR(overflow_of("drop"), ErrorKind::usage, "drop-oldest");
  EXPECT_EQ(overflow_of("cut-middle"), Overflow::cut_middle);
}

TEST(Overflow, DropsTheOldestTurns) {
  // A token per letter.
  const auto render = [](const Json& messages) {
    std::vector<int32_t> ids;
    for (const Json& m : messages)
      for (const char c : m.at("content").get<std::string>()) ids.push_back(c);
    return ids;
  };
  const Json whole = {
      {{"role", "system"}, {"content", "ssss"}},  {{"role", "user"}, {"content", "aaaa"}},
      {{"role", "assistant"}, {"content", "AA"}}, {{"role", "tool"}, {"content", "tt"}},
      {{"role", "user"}, {"content", "bb"}},      {{"role", "assistant"}, {"content", "BB"}},
      {{"role", "user"}, {"content", "cc"}}};
  const auto fit = [&](int64_t context, Dropped& dropped) {
    Json messages = whole;
    std::vector<int32_t> prompt = render(messages);
    dropped = fit_turns(messages, prompt, {context, 0, Overflow::drop_oldest}, render);
    EXPECT_EQ(prompt, render(messages));
    return std::string(prompt.begin(), prompt.end());
  };
  Dropped dropped;
  EXPECT_EQ(fit(18, dropped), "ssssaaaaAAttbbBBcc");
  EXPECT_EQ(dropped.turns, 0);
  EXPECT_EQ(fit(17, dropped), "ssssbbBBcc");
  EXPECT_EQ(dropped.turns, 1);
  EXPECT_EQ(dropped.messages, 3);
  EXPECT_EQ(dropped.tokens, 8);
  EXPECT_EQ(fit(10, dropped), "ssssbbBBcc");
  EXPECT_EQ(fit(9, dropped), "sssscc");
  EXPECT_EQ(dropped.turns, 2);
  EXPECT_EQ(dropped.messages, 5);
  EXPECT_EQ(fit(5, dropped), "ssssaaaaAAttbbBBcc");  // hopeless: to be refused
  EXPECT_EQ(dropped.turns, 0);

  Json messages = whole;
  std::vector<int32_t> prompt = render(messages);
  fit_turns(messages, prompt, {17, 100, Overflow::drop_oldest}, render);  // room for an answer
  EXPECT_EQ(prompt.size(), 10u);
  fit_turns(messages, prompt, {5, 0, Overflow::refuse}, render);
  EXPECT_EQ(prompt.size(), 10u);
  EXPECT_AVOCADO_ERROR(fit_turns(messages, prompt, {5, 0, Overflow::cut_middle}, render),
                       ErrorKind::usage, "drop-oldest");
}

}  // namespace
}  // namespace avocado
