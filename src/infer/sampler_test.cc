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
  p.repeat_last = 2;
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
  EXPECT_NO_THROW(check_sampler({}));
}

}  // namespace
}  // namespace avocado
