#include "infer/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/philox.h"
#include "expect_error.h"

namespace avocado {
namespace {

// Everything off: the plain distribution.
SamplerParameters plain() {
  SamplerParameters p;
  p.temperature = 1;
  p.top_k = 0;
  p.top_p = 1;
  p.min_p = 0;
  return p;
}

std::map<int32_t, int> draws(const std::vector<float>& logits, const SamplerParameters& p,
                             int count, std::span<const int32_t> history = {}) {
  std::map<int32_t, int> seen;
  for (int i = 0; i < count; ++i) ++seen[sample(logits, history, p, i)];
  return seen;
}

std::set<int32_t> possible(const std::vector<float>& logits, const SamplerParameters& p,
                           std::span<const int32_t> history = {}) {
  std::set<int32_t> ids;
  for (const auto& [id, n] : draws(logits, p, 2000, history)) ids.insert(id);
  return ids;
}

// Logits whose probabilities are the given ones.
std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

TEST(Sampler, DrawsWithTheProbabilitiesOfTheSoftmax) {
  const std::vector<double> probabilities = {0.1, 0.4, 0.05, 0.25, 0.2};
  constexpr int kDraws = 40000;
  const auto seen = draws(logs(probabilities), plain(), kDraws);
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    // Five standard deviations of a binomial count.
    EXPECT_NEAR(seen.at(static_cast<int32_t>(i)), p * kDraws, 5 * std::sqrt(kDraws * p * (1 - p)));
  }
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  const std::vector<float> logits = logs({0.5, 0.3, 0.2});
  SamplerParameters p = plain();
  p.temperature = 0.5f;  // probabilities are squared
  const double share = 0.25 / (0.25 + 0.09 + 0.04);
  EXPECT_NEAR(draws(logits, p, 20000).at(0) / 20000.0, share, 0.02);
  p.temperature = 1000;
  EXPECT_NEAR(draws(logits, p, 20000).at(2) / 20000.0, 1.0 / 3, 0.02);
  p.temperature = 1e-30f;
  EXPECT_EQ(possible(logits, p), std::set<int32_t>{0});
}

TEST(Sampler, TemperatureZeroTakesTheBestAndTheLowerIdOfEquals) {
  SamplerParameters p = plain();
  p.temperature = 0;
  EXPECT_EQ(possible({1, 7, 3, 7}, p), std::set<int32_t>{1});
  EXPECT_EQ(argmax(std::vector<float>{-0.0f, 0.0f, -1}), 0);
  p.repeat_penalty = 2;
  const std::vector<int32_t> history = {1};
  EXPECT_EQ(sample(std::vector<float>{1, 7, 3, 6}, history, p, 0), 3);
  EXPECT_EQ(sample(std::vector<float>{1, 7, 3.5, 3.5}, history, p, 0), 1);
}

TEST(Sampler, TopKKeepsTheBestTiesByLowerId) {
  SamplerParameters p = plain();
  p.top_k = 3;
  EXPECT_EQ(possible({2, 1, 2, 2, 2}, p), (std::set<int32_t>{0, 2, 3}));
  p.top_k = 99;
  EXPECT_EQ(possible({2, 1, 2}, p).size(), 3u);
}

TEST(Sampler, TopPKeepsTheShortestListThatReachesIt) {
  const std::vector<float> logits = logs({0.05, 0.5, 0.15, 0.3});
  SamplerParameters p = plain();
  p.top_p = 0.7f;
  EXPECT_EQ(possible(logits, p), (std::set<int32_t>{1, 3}));
  p.top_p = 0.81f;
  EXPECT_EQ(possible(logits, p), (std::set<int32_t>{1, 2, 3}));
  p.top_p = 0;
  EXPECT_EQ(possible(logits, p), std::set<int32_t>{1});
}

TEST(Sampler, MinPComparesWithTheBest) {
  const std::vector<float> logits = logs({0.05, 0.5, 0.15, 0.3});
  SamplerParameters p = plain();
  p.min_p = 0.2f;
  EXPECT_EQ(possible(logits, p), (std::set<int32_t>{1, 2, 3}));
  p.min_p = 1;
  EXPECT_EQ(possible(logits, p), std::set<int32_t>{1});
}

TEST(Sampler, StagesRunBeforeTheTemperature) {
  // Flattened first, every token would be at least half as likely as the best.
  SamplerParameters p = plain();
  p.min_p = 0.5f;
  p.temperature = 100;
  EXPECT_EQ(possible(logs({0.6, 0.25, 0.15}), p), std::set<int32_t>{0});
}

TEST(Sampler, PenaltyCountsATokenOnceAndForgets) {
  SamplerParameters p = plain();
  p.temperature = 0;
  p.repeat_penalty = 2;
  const std::vector<int32_t> often = {0, 0, 0, 0};
  EXPECT_EQ(sample(std::vector<float>{8, 3}, often, p, 0), 0);      // 8 / 2, not 8 / 16
  EXPECT_EQ(sample(std::vector<float>{-1, -1.5}, often, p, 0), 1);  // -1 * 2
  p.repeat_last_n = 2;
  const std::vector<int32_t> old = {0, 1, 1};
  EXPECT_EQ(sample(std::vector<float>{8, 7.9f}, old, p, 0), 0);
}

TEST(Sampler, IsAFunctionOfSeedAndPosition) {
  std::vector<float> logits;
  const Random random(1, Purpose::test);
  for (int i = 0; i < 500; ++i) logits.push_back(4 * random.uniform(i));
  SamplerParameters a;
  SamplerParameters b;
  b.seed = 1;
  int differ = 0;
  for (int position = 0; position < 100; ++position) {
    const int32_t id = sample(logits, {}, a, position);
    EXPECT_EQ(id, sample(logits, {}, a, position));
    differ += id != sample(logits, {}, b, position);
  }
  EXPECT_GT(differ, 50);
  EXPECT_GT(draws(logits, a, 100).size(), 10u);
}

TEST(Sampler, WhatIsChosenIsAmongTheBest) {
  const Random random(2, Purpose::test);
  for (uint64_t trial = 0; trial < 300; ++trial) {
    std::vector<float> logits;
    for (uint64_t i = 0; i < 50; ++i) {
      logits.push_back(static_cast<float>(random.below(trial * 64 + i, 9)) - 4);  // many ties
    }
    SamplerParameters p = plain();
    p.top_k = static_cast<int32_t>(random.below(trial * 64 + 60, 12)) + 1;
    const int32_t id = sample(logits, {}, p, static_cast<int64_t>(trial));
    int before = 0;
    for (int32_t i = 0; i < 50; ++i) {
      before += logits[i] > logits[id] || (logits[i] == logits[id] && i < id);
    }
    EXPECT_LT(before, p.top_k);
  }
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  for (float temperature : {0.0f, 1.0f}) {
    SamplerParameters p = plain();
    p.temperature = temperature;
    EXPECT_AVOCADO_ERROR(sample(std::vector<float>{0, NAN}, {}, p, 0), ErrorKind::input,
                         "NaN as the logit of token 1");
    EXPECT_AVOCADO_ERROR(sample(std::vector<float>{INFINITY, 0}, {}, p, 0), ErrorKind::input,
                         "infinity as the logit of token 0");
    EXPECT_AVOCADO_ERROR(sample(std::vector<float>{-INFINITY}, {}, p, 0), ErrorKind::input,
                         "no token a finite logit");
    EXPECT_EQ(sample(std::vector<float>{-INFINITY, 0}, {}, p, 0), 1);
  }
}

TEST(Sampler, GreedyIsTheChainWithoutItsShortCut) {
  // Dropping the best token is what top_k 1 cannot prevent.
  SamplerParameters p;
  p.temperature = 0;
  const std::vector<float> logits = logs({0.1, 0.5, 0.4});
  EXPECT_EQ(sample(logits, {}, p, 0), 1);
  p.xtc_probability = 1;
  p.xtc_threshold = 0.05f;
  EXPECT_EQ(sample(logits, {}, p, 0), 0);
  p.xtc_threshold = 0.3f;
  EXPECT_EQ(sample(logits, {}, p, 0), 2);
  p.top_k = 1;
  EXPECT_EQ(sample(logits, {}, p, 0), 1);
}

TEST(Sampler, XtcLeavesMinKeepAndTheLastOfTheLikely) {
  const std::vector<float> logits = logs({0.3, 0.3, 0.2, 0.15, 0.05});
  SamplerParameters p = plain();
  p.xtc_probability = 1;
  EXPECT_EQ(possible(logits, p), (std::set<int32_t>{3, 4}));
  p.min_keep = 3;
  EXPECT_EQ(possible(logits, p).size(), 5u);
  p.min_keep = 2;
  EXPECT_EQ(possible(logits, p).size(), 2u);
  p.xtc_threshold = 0.51f;
  EXPECT_EQ(possible(logits, p).size(), 5u);
}

TEST(Sampler, BiasesAddUpForbidForceAndExpire) {
  const std::vector<float> logits = logs({0.4, 0.3, 0.2, 0.1});
  const auto allowed = [&](std::vector<LogitBias> biases, std::vector<uint32_t> mask = {}) {
    SamplerParameters p = plain();
    p.logit_bias = std::move(biases);
    const SamplerChain chain(p, 4);
    std::set<int32_t> ids;
    for (int64_t i = 0; i < 2000; ++i)
      ids.insert(chain.sample({.logits = logits, .history = {}, .position = i, .mask = mask}).id);
    return ids;
  };
  EXPECT_EQ(allowed({{0, "", -INFINITY}}), (std::set<int32_t>{1, 2, 3}));
  EXPECT_EQ(allowed({{3, "", 60}, {3, "", 60}}), std::set<int32_t>{3});
  EXPECT_EQ(allowed({{3, "", 60}, {3, "", -60}}).size(), 4u);
  // Forced ones keep their own logits; a mask is stronger; -infinity wins.
  EXPECT_EQ(allowed({{2, "", INFINITY}, {3, "", INFINITY}}), (std::set<int32_t>{2, 3}));
  EXPECT_EQ(allowed({{2, "", INFINITY}, {3, "", INFINITY}}, {0b1011}), std::set<int32_t>{3});
  EXPECT_EQ(allowed({{2, "", INFINITY}}, {0b1011}), (std::set<int32_t>{0, 1, 3}));
  EXPECT_EQ(allowed({{2, "", INFINITY}, {2, "", -INFINITY}}), (std::set<int32_t>{0, 1, 3}));
  // Nothing is left.
  EXPECT_EQ(allowed({{0, "", -INFINITY}}, {1}), std::set<int32_t>{-1});

  SamplerParameters p = plain();
  p.logit_bias = {{3, "", INFINITY, 2}};
  SamplerChain chain(p, 4);
  for (int64_t i = 0; i < 2; ++i) {
    const Choice choice = chain.sample({logits, {}, i});
    EXPECT_EQ(choice.id, 3);
    chain.accept(choice);
  }
  std::set<int32_t> ids;
  for (int64_t i = 0; i < 100; ++i) ids.insert(chain.sample({logits, {}, i}).id);
  EXPECT_EQ(ids.size(), 4u);
  chain.rewind(1);
  EXPECT_EQ(chain.sample({logits, {}, 5}).id, 3);
}

TEST(Sampler, ForbiddenTokensAreDrawnAnewFromTheRest) {
  const std::vector<double> probabilities = {0.4, 0.3, 0.2, 0.1};
  const std::vector<float> logits = logs(probabilities);
  const SamplerChain chain(plain(), 4);
  // What is forbidden is what was drawn: the second draw must be fair among the others.
  constexpr int64_t kDraws = 40000;
  std::map<int32_t, std::map<int32_t, int>> second;
  for (int64_t i = 0; i < kDraws; ++i) {
    const int32_t first = chain.sample({logits, {}, i}).id;
    ++second[first][chain.sample({logits, {}, i, {}, {&first, 1}}).id];
  }
  for (const auto& [first, seen] : second) {
    EXPECT_FALSE(seen.contains(first));
    const double draws = kDraws * probabilities[first];
    for (const auto& [id, count] : seen) {
      const double p = probabilities[id] / (1 - probabilities[first]);
      EXPECT_NEAR(count, draws * p, 6 * std::sqrt(draws)) << first << " then " << id;
    }
  }
  const std::vector<int32_t> all = {2, 0, 3, 1};
  EXPECT_EQ(chain.sample({logits, {}, 0, {}, all}).id, -1);
}

TEST(Sampler, TellsProbabilitiesBeforeAndAfterTheStages) {
  const std::vector<float> logits = logs({0.1, 0.5, 0.15, 0.25});
  SamplerParameters p = plain();
  p.n_probs = 3;
  p.top_k = 2;
  p.temperature = 0.5f;
  const auto check = [](const Choice& choice, const std::vector<std::pair<int32_t, double>>& top) {
    ASSERT_EQ(choice.top.size(), top.size());
    for (size_t i = 0; i < top.size(); ++i) {
      EXPECT_EQ(choice.top[i].id, top[i].first);
      EXPECT_NEAR(std::exp(choice.top[i].logprob), top[i].second, 1e-6);
      if (top[i].first == choice.id) {
        EXPECT_EQ(choice.chosen.logprob, choice.top[i].logprob);
      }
    }
    EXPECT_EQ(choice.chosen.id, choice.id);
  };
  check(SamplerChain(p, 4).sample({logits, {}, 0}), {{1, 0.5}, {3, 0.25}, {2, 0.15}});
  p.post_sampling_probs = true;
  check(SamplerChain(p, 4).sample({logits, {}, 0}), {{1, 0.8}, {3, 0.2}});
}

TEST(Sampler, WhatIsTakenBackNeverWas) {
  std::vector<float> logits;
  const Random random(7, Purpose::test);
  for (int i = 0; i < 300; ++i) logits.push_back(4 * random.uniform(i));
  for (const int version : {0, 1, 2}) {
    SamplerParameters p = plain();
    p.mirostat = version;
    p.mirostat_tau = 3;
    p.mirostat_eta = 0.5f;
    p.adaptive_target = 0.1f;
    p.samplers.emplace_back("adaptive_p");
    const auto run = [&](bool detours) {
      SamplerChain chain(p, 300);
      std::vector<int32_t> ids;
      for (int64_t i = 0; i < 60; ++i) {
        for (int64_t j = 0; detours && j < i % 4; ++j)
          chain.accept(chain.sample({logits, {}, 1000 + i + j}));
        if (detours) chain.rewind(i % 4);
        const Choice choice = chain.sample({logits, {}, i});
        chain.accept(choice);
        ids.push_back(choice.id);
      }
      EXPECT_EQ(chain.accepted(), 60);
      return ids;
    };
    EXPECT_EQ(run(true), run(false)) << version;
  }
  SamplerChain chain(plain(), 300);
  EXPECT_AVOCADO_ERROR(chain.rewind(1), ErrorKind::usage, "1 choices cannot be taken back");
}

TEST(Sampler, ListsOfStagesAreRead) {
  const SamplerParameters p;
  EXPECT_EQ(parse_samplers("penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature"),
            p.samplers);
  EXPECT_EQ(parse_sampler_letters("edskypmxt"), p.samplers);
  EXPECT_EQ(parse_samplers("top-k;;temp;nucleus;typical;adaptive-p;"),
            (std::vector<std::string>{"top_k", "temperature", "top_p", "typ_p", "adaptive_p"}));
  EXPECT_TRUE(parse_samplers("").empty());
  EXPECT_AVOCADO_ERROR(parse_samplers("top_k;top_q"), ErrorKind::usage,
                       "there is no sampler \"top_q\"; there are penalties (e), dry (d)");
  EXPECT_AVOCADO_ERROR(parse_sampler_letters("kz"), ErrorKind::usage,
                       "there is no sampler with the letter \"z\"");
}

TEST(Sampler, BiasesAreRead) {
  const auto read = [](const char* text, int32_t id, const char* token, float bias,
                       int64_t first = -1) {
    const LogitBias b = parse_logit_bias(text);
    EXPECT_EQ(b.id, id) << text;
    EXPECT_EQ(b.text, token) << text;
    EXPECT_EQ(b.bias, bias) << text;
    EXPECT_EQ(b.first, first) << text;
  };
  read("15043+1", 15043, "", 1);
  read("15043-0.5", 15043, "", -0.5f);
  read("15043-inf", 15043, "", -INFINITY);
  read("15043+inf", 15043, "", INFINITY);
  read("7-1e-3", 7, "", -1e-3f);
  read("13-5:20", 13, "", -5, 20);
  read(" Hello+2", -1, " Hello", 2);
  read("\"15\"-2:3", -1, "15", -2, 3);
  read("a:5-1", -1, "a:5", -1);
  read("the-5", -1, "the", -5);
  read("x+y-2", -1, "x+y", -2);
  for (const char* text : {"", "15043", "+1", "5+", "5+x", "5+nan", "5-1e7", "5+1:-3", "\"\"+1"})
    EXPECT_AVOCADO_ERROR(parse_logit_bias(text), ErrorKind::usage, "logit-bias");
}

TEST(Sampler, RefusesParametersThatMakeNoSense) {
  const auto refused = [](auto set, const char* name) {
    SamplerParameters p;
    set(p);
    EXPECT_AVOCADO_ERROR(check_sampler(p), ErrorKind::usage, name);
  };
  refused([](SamplerParameters& p) { p.temperature = -1; }, "temperature is -1");
  refused([](SamplerParameters& p) { p.temperature = NAN; }, "temperature");
  refused([](SamplerParameters& p) { p.top_p = 1.5f; }, "top-p is 1.5");
  refused([](SamplerParameters& p) { p.min_p = -0.1f; }, "min-p");
  refused([](SamplerParameters& p) { p.repeat_penalty = 0; }, "repeat-penalty");
  refused([](SamplerParameters& p) { p.top_k = -1; }, "top-k is -1");
  refused([](SamplerParameters& p) { p.typical_p = 2; }, "typical is 2; it must be from 0 to 1");
  refused([](SamplerParameters& p) { p.top_n_sigma = -2; }, "top-n-sigma is -2");
  refused([](SamplerParameters& p) { p.xtc_probability = 1.5f; }, "xtc-probability is 1.5");
  refused([](SamplerParameters& p) { p.xtc_threshold = -1; }, "xtc-threshold is -1");
  refused([](SamplerParameters& p) { p.min_keep = -1; }, "min-keep is -1");
  refused([](SamplerParameters& p) { p.repeat_last_n = -2; }, "repeat-last-n is -2");
  refused([](SamplerParameters& p) { p.frequency_penalty = NAN; }, "frequency-penalty is nan");
  refused([](SamplerParameters& p) { p.presence_penalty = 1e9f; }, "presence-penalty");
  refused([](SamplerParameters& p) { p.dry_multiplier = -1; }, "dry-multiplier is -1");
  refused([](SamplerParameters& p) { p.dry_base = 0.5f; }, "dry-base is 0.5");
  refused([](SamplerParameters& p) { p.dry_allowed_length = 0; }, "dry-allowed-length is 0");
  refused([](SamplerParameters& p) { p.dry_penalty_last_n = -2; }, "dry-penalty-last-n is -2");
  refused([](SamplerParameters& p) { p.dry_sequence_breakers = {""}; }, "dry-sequence-breaker");
  refused([](SamplerParameters& p) { p.dynatemp_range = -1; }, "dynatemp-range is -1");
  refused([](SamplerParameters& p) { p.dynatemp_exponent = -1; }, "dynatemp-exp is -1");
  refused([](SamplerParameters& p) { p.mirostat = 3; }, "mirostat is 3; it must be from 0 to 2");
  refused([](SamplerParameters& p) { p.mirostat_tau = -1; }, "mirostat-ent is -1");
  refused([](SamplerParameters& p) { p.mirostat_eta = 2; }, "mirostat-lr is 2");
  refused([](SamplerParameters& p) { p.adaptive_target = 2; }, "adaptive-target is 2");
  refused([](SamplerParameters& p) { p.adaptive_decay = 1; }, "adaptive-decay is 1");
  refused([](SamplerParameters& p) { p.n_probs = -1; }, "n-probs is -1");
  refused([](SamplerParameters& p) { p.samplers = {"top"}; }, "there is no sampler \"top\"");
  refused([](SamplerParameters& p) { p.logit_bias = {{1, "", NAN}}; }, "logit-bias is nan");
  refused([](SamplerParameters& p) { p.logit_bias = {{-1, "", 1}}; }, "token id of 0 or more");
  refused([](SamplerParameters& p) { p.logit_bias = {{1, "", 1, -2}}; }, "first -2 tokens");
  SamplerParameters outside;
  outside.logit_bias = {{9, "", 1}};
  EXPECT_AVOCADO_ERROR(SamplerChain(outside, 9), ErrorKind::usage,
                       "token id 9, which is outside the vocabulary of 9");
  outside.logit_bias = {{-1, "word", 1}};
  EXPECT_AVOCADO_ERROR(SamplerChain(outside, 9), ErrorKind::usage, "has no tokenizer");
  EXPECT_NO_THROW(check_sampler({}));
}

}  // namespace
}  // namespace avocado
