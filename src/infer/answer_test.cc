// Strings that end an answer or may not be in it, and requests of many kinds together.

#include "infer/answer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "expect_error.h"
#include "tiny_engine.h"

namespace avocado {
namespace {

class AnswerTest : public test::TinyEngineTest {
 protected:
  AnswerTest() {
    options_.max_tokens = 40;
    options_.stop_at_ends = false;
    options_.sampling.temperature = 3;  // random weights are flat; a little of everything
    options_.sampling.top_k = 0;
    // Letters, so that strings come back.
    for (int32_t id = 0; id < static_cast<int32_t>(engine_->vocab()); ++id) {
      const bool known = id < tokenizer().vocab_size();
      const std::string bytes = known ? tokenizer().token_bytes(id) : "";
      if (bytes.empty() || bytes.find_first_not_of("tobe ") != std::string::npos)
        letters_.push_back({id, "", -INFINITY});
    }
    options_.sampling.logit_bias = letters_;
  }

  Completion alone(const GenerateOptions& options, std::vector<std::string>* pieces = nullptr) {
    GenerateHooks hooks;
    if (pieces != nullptr)
      hooks.text = [pieces](const std::string& piece) { pieces->push_back(piece); };
    return answer(prompt_, options, hooks);
  }

  // The same by the definition: every step from the beginning, no text held back.
  std::vector<int32_t> by_hand(const GenerateOptions& options) {
    const SamplerChain chain(options.sampling, engine_->vocab(), &tokenizer());
    std::vector<int32_t> all = prompt_;
    std::map<size_t, std::vector<int32_t>> forbidden;
    while (static_cast<int64_t>(all.size() - prompt_.size()) < options.max_tokens) {
      const std::vector<float> logits = test::logits_of(*engine_, all);
      const Choice choice = chain.sample({std::span(logits).last(engine_->vocab()),
                                          all,
                                          static_cast<int64_t>(all.size()),
                                          {},
                                          forbidden[all.size()]});
      all.push_back(choice.id);
      std::string text;
      std::vector<size_t> starts;
      for (size_t i = prompt_.size(); i < all.size(); ++i) {
        starts.push_back(text.size());
        text += tokenizer().token_bytes(all[i]);
      }
      size_t end = std::string::npos, begin = 0;
      for (const std::string& s : options.banned_strings) {
        const size_t at = text.find(s);
        if (at == std::string::npos) continue;
        if (at + s.size() < end || (at + s.size() == end && at < begin))
          end = at + s.size(), begin = at;
      }
      if (end == std::string::npos) continue;
      size_t token = 0;
      while (token + 1 < starts.size() && starts[token + 1] <= begin) ++token;
      forbidden.erase(forbidden.upper_bound(prompt_.size() + token), forbidden.end());
      forbidden[prompt_.size() + token].push_back(all[prompt_.size() + token]);
      all.resize(prompt_.size() + token);
    }
    return {all.begin() + static_cast<ptrdiff_t>(prompt_.size()), all.end()};
  }

  GenerateOptions options_;
  std::vector<LogitBias> letters_;
  std::vector<int32_t> prompt_ = {70, 71, 72};
};

TEST_F(AnswerTest, BannedStringsNeverAppear) {
  int64_t taken_back = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    options_.sampling.seed = seed;
    options_.banned_strings = {"t", "o b", "be be", "bo", "ee"};
    options_.sampling.mirostat = seed % 3 == 2 ? 2 : 0;  // taught by what stands, not by what went
    std::vector<std::string> pieces;
    const Completion completion = alone(options_, &pieces);
    EXPECT_EQ(completion.stop, StopReason::max_tokens);
    if (options_.sampling.mirostat == 0) {
      EXPECT_EQ(completion.ids, by_hand(options_));
    }
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    EXPECT_EQ(text, completion.text);
    for (const std::string& s : options_.banned_strings)
      EXPECT_EQ(text.find(s), std::string::npos) << text;
    taken_back += completion.taken_back;
  }
  EXPECT_GT(taken_back, 50);
}

TEST_F(AnswerTest, OneThatIsNeverMetChangesNothing) {
  const Completion plain = alone(options_);
  options_.banned_strings = {"question"};
  EXPECT_EQ(alone(options_).ids, plain.ids);
  EXPECT_EQ(plain.text, tokenizer().decode(plain.ids));
}

TEST_F(AnswerTest, EndsWhereEverythingIsBanned) {
  // Whatever comes second makes a banned string with the first, so every first is forbidden.
  for (const char* a : {"t", "o", "b", "e", " "})
    for (const char* b : {"t", "o", "b", "e", " "})
      options_.banned_strings.push_back(std::string(a) + b);
  const Completion completion = alone(options_);
  EXPECT_EQ(completion.stop, StopReason::exhausted);
  EXPECT_EQ(completion.text, "");
  EXPECT_TRUE(completion.ids.empty());
  EXPECT_GT(completion.taken_back, 4);
  EXPECT_LT(completion.taken_back, 200);

  // Or too much is.
  options_.banned_strings = {"t", "o", "b"};
  options_.max_taken_back = 1;
  const Completion given_up = alone(options_);
  EXPECT_EQ(given_up.stop, StopReason::exhausted);
  EXPECT_EQ(given_up.taken_back, 1);
  for (const std::string& s : options_.banned_strings)
    EXPECT_EQ(given_up.text.find(s), std::string::npos);
}

TEST_F(AnswerTest, StopStringsEndTheAnswerWithoutThem) {
  const Completion plain = alone(options_);
  int over_tokens = 0;
  for (size_t begin = 3; begin + 4 < plain.text.size(); begin += 3) {
    const std::string stop = plain.text.substr(begin, 4);
    const size_t first = plain.text.find(stop);
    options_.stop_strings = {"question", stop};
    std::vector<std::string> pieces;
    const Completion completion = alone(options_, &pieces);
    EXPECT_EQ(completion.stop, StopReason::stop_string);
    EXPECT_EQ(completion.stop_string, stop);
    EXPECT_EQ(completion.text, plain.text.substr(0, first));
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    EXPECT_EQ(text, completion.text);
    // The tokens are the first ones, as many as that text needs.
    ASSERT_LE(completion.ids.size(), plain.ids.size());
    EXPECT_TRUE(std::equal(completion.ids.begin(), completion.ids.end(), plain.ids.begin()));
    const std::string of_ids = tokenizer().decode(completion.ids);
    EXPECT_TRUE(of_ids.starts_with(completion.text));
    over_tokens += of_ids.size() > completion.text.size();
    if (!completion.ids.empty()) {
      EXPECT_LT(
          tokenizer().decode(std::span(completion.ids).first(completion.ids.size() - 1)).size(),
          completion.text.size());
    }
  }
  EXPECT_GT(over_tokens, 0);  // some began inside a token
}

TEST_F(AnswerTest, ABatchOfManyKindsEqualsEachAlone) {
  std::vector<GenerateRequest> requests;
  for (uint64_t i = 0; i < 16; ++i) {
    GenerateRequest r{test::random_ids(1 + static_cast<int64_t>(i) * 3, engine_->vocab(), i),
                      options_};
    SamplerParameters& s = r.options.sampling;
    s.seed = i / 2;
    r.options.max_tokens = 5 + static_cast<int64_t>(i) % 7;
    if (i % 8 == 1) s.mirostat = 1, s.mirostat_eta = 0.5f;
    if (i % 8 == 2) s.mirostat = 2, s.mirostat_tau = 2;
    if (i % 8 == 3) s.adaptive_target = 0.2f, s.samplers.emplace_back("adaptive_p");
    if (i % 8 == 4) s.dry_multiplier = 1, s.dry_allowed_length = 1, s.repeat_penalty = 1.3f;
    if (i % 8 == 5) s.xtc_probability = 0.5f, s.xtc_threshold = 0.01f;
    if (i % 8 == 6) s.temperature = 0, s.n_probs = 3;
    if (i % 8 == 7) r.options.max_tokens = 0;
    if (i % 3 == 0) r.options.banned_strings = {"t", "eo", "b "};
    if (i % 4 == 1) r.options.stop_strings = {"oe", "ob", "tt"};
    requests.push_back(std::move(r));
  }
  int64_t taken_back = 0, stopped = 0;
  for (const int64_t batch : {1, 8}) {
    const std::vector<Completion> batched = generate_batch(*engine_, requests, batch);
    ASSERT_EQ(batched.size(), requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      const ScopedSequence sequence(*engine_);
      const Completion single =
          generate(*engine_, sequence, requests[i].prompt, requests[i].options);
      EXPECT_EQ(batched[i].ids, single.ids) << "request " << i;
      EXPECT_EQ(batched[i].text, single.text) << "request " << i;
      EXPECT_EQ(batched[i].stop, single.stop) << "request " << i;
      EXPECT_EQ(batched[i].taken_back, single.taken_back) << "request " << i;
      ASSERT_EQ(batched[i].probabilities.size(), single.probabilities.size()) << "request " << i;
      for (size_t t = 0; t < single.probabilities.size(); ++t)
        EXPECT_EQ(batched[i].probabilities[t].chosen.logprob,
                  single.probabilities[t].chosen.logprob);
      taken_back += single.taken_back;
      stopped += single.stop == StopReason::stop_string;
    }
  }
  EXPECT_GT(taken_back, 20);
  EXPECT_GT(stopped, 1);
}

TEST_F(AnswerTest, ProbabilitiesStandBesideTheTokens) {
  options_.sampling.n_probs = 2;
  options_.banned_strings = {"t", "o b"};
  const Completion completion = alone(options_);
  EXPECT_GT(completion.taken_back, 0);
  ASSERT_EQ(completion.probabilities.size(), completion.ids.size());
  for (size_t i = 0; i < completion.ids.size(); ++i) {
    EXPECT_EQ(completion.probabilities[i].chosen.id, completion.ids[i]);
    EXPECT_EQ(completion.probabilities[i].top.size(), 2u);
  }
}

TEST_F(AnswerTest, EndTokensCanBeForbidden) {
  options_.sampling.logit_bias = {{tokenizer().eos(), "", 20}};
  options_.stop_at_ends = true;
  EXPECT_EQ(alone(options_).stop, StopReason::end_token);
  options_.sampling.ignore_eos = true;
  EXPECT_EQ(alone(options_).stop, StopReason::max_tokens);
}

TEST_F(AnswerTest, ATextIsBiasedByItsTokens) {
  const std::vector<int32_t> tokens = tokenizer().encode("to be");
  ASSERT_GT(tokens.size(), 1u);
  options_.sampling.logit_bias = {{-1, "to be", INFINITY}};
  for (const int32_t id : alone(options_).ids)
    EXPECT_NE(std::find(tokens.begin(), tokens.end(), id), tokens.end());
}

// A breaker in the text bounds what counts as a repetition; one that is spread over tokens, too.
TEST_F(AnswerTest, DryStopsAtSequenceBreakers) {
  const auto id_of = [&](const char* text) {
    const std::vector<int32_t> ids = tokenizer().encode(text);
    EXPECT_EQ(ids.size(), 1u) << text;
    return ids.back();
  };
  const int32_t a = id_of("x"), b = id_of("y"), c = id_of("z"), d = id_of("w");
  const std::vector<int32_t> history = {a, b, c, d, a, b, c};  // d would go on, with length 3
  std::vector<float> logits(engine_->vocab(), 0.0f);
  SamplerParameters p;
  p.dry_multiplier = 1;
  p.dry_base = 2;
  p.dry_allowed_length = 1;
  p.samplers = {"dry"};
  p.n_probs = static_cast<int32_t>(engine_->vocab());
  p.post_sampling_probs = true;
  const auto penalty = [&](std::vector<std::string> breakers) {
    p.dry_sequence_breakers = std::move(breakers);
    const Choice choice =
        SamplerChain(p, engine_->vocab(), &tokenizer()).sample({logits, history, 7});
    float best = -INFINITY, of_d = 0;
    for (const TokenProbability& t : choice.top) {
      best = std::max(best, t.logprob);
      if (t.id == d) of_d = t.logprob;
    }
    return std::round((best - of_d) * 1000) / 1000;
  };
  EXPECT_EQ(penalty({}), 4);           // 2^(3 - 1)
  EXPECT_EQ(penalty({"x"}), 2);        // y z are behind it
  EXPECT_EQ(penalty({"xy", "q"}), 1);  // over two tokens
  EXPECT_EQ(penalty({"z"}), 0);        // nothing is behind it
  EXPECT_EQ(penalty({"w"}), 0);        // d holds one: it is free
  EXPECT_EQ(penalty({"wx"}), 2);
  EXPECT_EQ(penalty({"zw"}), 4);  // before all that counts
}

}  // namespace
}  // namespace avocado
