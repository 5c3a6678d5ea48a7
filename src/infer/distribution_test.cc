// What the stages leave, by drawing: counts against a plain reference in double, written from the
// definitions without looking at how the stages do it.
//
// A million draws of each with AVOCADO_SLOW_TESTS=1.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "base/philox.h"
#include "chi_square.h"
#include "infer/sampler.h"

namespace avocado {
namespace {

struct Entry {
  int32_t id;
  double logit;
};
using List = std::vector<Entry>;
using Distribution = std::map<int32_t, double>;

std::vector<double> softmax(const List& list) {
  double top = -1e300, sum = 0;
  for (const Entry& e : list) top = std::max(top, e.logit);
  std::vector<double> p;
  for (const Entry& e : list) p.push_back(std::exp(e.logit - top));
  for (const double x : p) sum += x;
  for (double& x : p) x /= sum;
  return p;
}

double entropy(const std::vector<double>& p) {
  double h = 0;
  for (const double x : p) h -= x > 0 ? x * std::log(x) : 0;
  return h;
}

List by_rank(List list) {
  std::sort(list.begin(), list.end(), [](const Entry& a, const Entry& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  });
  return list;
}

List reference_top_k(List list, size_t k) {
  list = by_rank(list);
  list.resize(std::min(list.size(), k));
  return list;
}

List reference_top_p(const List& list, double limit, size_t min_keep = 0) {
  const List ranked = by_rank(list);
  const std::vector<double> p = softmax(ranked);
  List kept;
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    kept.push_back(ranked[i]);
    sum += p[i];
    if (sum >= limit && kept.size() >= min_keep) break;
  }
  return kept;
}

List reference_min_p(const List& list, double limit, size_t min_keep = 0) {
  const List ranked = by_rank(list);
  const std::vector<double> p = softmax(ranked);
  List kept;
  for (size_t i = 0; i < p.size(); ++i)
    if (p[i] >= limit * p[0] || i < min_keep) kept.push_back(ranked[i]);
  return kept;
}

List reference_typical(const List& list, double limit, size_t min_keep = 1) {
  const std::vector<double> p = softmax(list);
  const double h = entropy(p);
  std::vector<size_t> order(p.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::abs(-std::log(p[a]) - h) < std::abs(-std::log(p[b]) - h);
  });
  List kept;
  double sum = 0;
  for (const size_t i : order) {
    kept.push_back(list[i]);
    sum += p[i];
    if (sum > limit && kept.size() >= min_keep) break;
  }
  return kept;
}

List reference_top_n_sigma(const List& list, double n) {
  double mean = 0, variance = 0, top = -1e300;
  for (const Entry& e : list) mean += e.logit / static_cast<double>(list.size());
  for (const Entry& e : list)
    variance += (e.logit - mean) * (e.logit - mean) / static_cast<double>(list.size());
  for (const Entry& e : list) top = std::max(top, e.logit);
  List kept;
  for (const Entry& e : list)
    if (e.logit >= top - n * std::sqrt(variance)) kept.push_back(e);
  return kept;
}

// When it strikes.
List reference_xtc(const List& list, double threshold) {
  const List ranked = by_rank(list);
  const std::vector<double> p = softmax(ranked);
  size_t likely = 0;
  while (likely < p.size() && p[likely] >= threshold) ++likely;
  return {ranked.begin() + static_cast<ptrdiff_t>(likely > 1 ? likely - 1 : 0), ranked.end()};
}

List reference_temperature(List list, double t) {
  for (Entry& e : list) e.logit /= t;
  return list;
}

List reference_dynatemp(const List& list, double t, double range, double exponent) {
  const double share = entropy(softmax(list)) / std::log(static_cast<double>(list.size()));
  const double low = std::max(0.0, t - range);
  return reference_temperature(list, low + (t + range - low) * std::pow(share, exponent));
}

List reference_penalties(List list, const std::vector<int32_t>& recent, double repeat,
                         double frequency, double presence) {
  for (Entry& e : list) {
    const auto count = std::count(recent.begin(), recent.end(), e.id);
    if (count == 0) continue;
    e.logit = e.logit > 0 ? e.logit / repeat : e.logit * repeat;
    e.logit -= static_cast<double>(count) * frequency + presence;
  }
  return list;
}

List reference_dry(List list, const std::vector<int32_t>& recent, double multiplier, double base,
                   size_t allowed) {
  for (Entry& e : list) {
    size_t longest = 0;
    for (size_t i = 0; i < recent.size(); ++i) {
      if (recent[i] != e.id) continue;
      size_t length = 0;  // of what stands before it and at the end of all
      while (length < i && recent[i - 1 - length] == recent[recent.size() - 1 - length]) ++length;
      longest = std::max(longest, length);
    }
    if (longest >= allowed)
      e.logit -= multiplier * std::pow(base, static_cast<double>(longest - allowed));
  }
  return list;
}

List reference_mirostat(const List& list, int version, double mu) {
  const List ranked = by_rank(list);
  const std::vector<double> p = softmax(ranked);
  if (version == 2) {
    List kept = {ranked[0]};
    for (size_t i = 1; i < p.size(); ++i)
      if (-std::log2(p[i]) <= mu) kept.push_back(ranked[i]);
    return kept;
  }
  double tb = 0, tt = 0;
  for (size_t i = 0; i < 99 && i + 1 < p.size(); ++i) {
    const double t = std::log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    tb += t * std::log(p[i] / p[i + 1]);
    tt += t * t;
  }
  const double s = tb / tt, epsilon = s - 1;
  const double k = std::pow(
      epsilon * std::pow(2, mu) / (1 - std::pow(static_cast<double>(list.size()), -epsilon)),
      1 / s);
  return reference_top_k(list, static_cast<size_t>(std::max(1.0, std::floor(k))));
}

List reference_adaptive(List list, double target) {
  const std::vector<double> p = softmax(list);
  for (size_t i = 0; i < list.size(); ++i) {
    const double d = std::abs(p[i] - target) / 0.3;
    list[i].logit = 5 - 10 * d * d / (1 + d);
  }
  return list;
}

Distribution distribution(const List& list) {
  const std::vector<double> p = softmax(list);
  Distribution result;
  for (size_t i = 0; i < list.size(); ++i) result[list[i].id] = p[i];
  return result;
}

int64_t draw_count() {
  const char* slow = std::getenv("AVOCADO_SLOW_TESTS");
  return slow != nullptr && *slow == '1' ? 1'000'000 : 100'000;
}

class Distributions : public testing::Test {
 protected:
  explicit Distributions(uint64_t vocab = 60) {
    const Random random(3, Purpose::test);
    for (uint64_t i = 0; i < vocab; ++i) {
      logits_.push_back(6 * random.uniform(2 * i) * random.uniform(2 * i + 1) - 1);
      list_.push_back({static_cast<int32_t>(i), static_cast<double>(logits_.back())});
    }
    p_.temperature = 1, p_.top_k = 0, p_.top_p = 1, p_.min_p = 0, p_.seed = 11;
  }

  void check(const char* name, const Distribution& expected) {
    check(name, expected, {p_, vocab()});
  }
  void check(const char* name, const Distribution& expected, const SamplerChain& chain) {
    std::map<int32_t, int64_t> seen;
    for (int64_t i = 0; i < draws_; ++i) ++seen[chain.sample({logits_, history_, i}).id];
    const test::ChiSquare result = test::chi_square(seen, expected);
    std::printf("%-28s chi2 %8.2f, %3d degrees, p %.4f\n", name, result.statistic, result.degrees,
                result.p);
    ++p_.seed;  // the next case has other numbers
    EXPECT_FALSE(result.impossible) << name;
    EXPECT_GT(result.p, 1e-4) << name;
  }
  int64_t vocab() const { return static_cast<int64_t>(logits_.size()); }

  SamplerParameters p_;
  int64_t draws_ = draw_count();
  std::vector<float> logits_;
  List list_;
  std::vector<int32_t> history_;
};

TEST_F(Distributions, OfTheWholeSoftmax) { check("softmax", distribution(list_)); }

TEST_F(Distributions, OfEachSelection) {
  const SamplerParameters off = p_;
  const auto with = [&](const char* name, const auto& set, const List& expected) {
    const uint64_t seed = p_.seed;
    p_ = off;
    p_.seed = seed;
    set(p_);
    check(name, distribution(expected));
  };
  with(
      "top_k 7", [](auto& p) { p.top_k = 7; }, reference_top_k(list_, 7));
  with(
      "top_p 0.8", [](auto& p) { p.top_p = 0.8f; }, reference_top_p(list_, 0.8));
  with(
      "min_p 0.1", [](auto& p) { p.min_p = 0.1f; }, reference_min_p(list_, 0.1));
  with(
      "typ_p 0.5", [](auto& p) { p.typical_p = 0.5f; }, reference_typical(list_, 0.5));
  with(
      "top_n_sigma 1.2", [](auto& p) { p.top_n_sigma = 1.2f; },
      reference_top_n_sigma(list_, static_cast<double>(1.2f)));
  with(
      "top_p 0.1, min_keep 5", [](auto& p) { p.top_p = 0.1f, p.min_keep = 5; },
      reference_top_p(list_, 0.1, 5));
  with(
      "min_p 0.9, min_keep 5", [](auto& p) { p.min_p = 0.9f, p.min_keep = 5; },
      reference_min_p(list_, 0.9, 5));
  with(
      "typ_p 0.01, min_keep 5", [](auto& p) { p.typical_p = 0.01f, p.min_keep = 5; },
      reference_typical(list_, 0.01, 5));
}

TEST_F(Distributions, OfTemperatures) {
  p_.temperature = 0.6f;
  check("temperature 0.6", distribution(reference_temperature(list_, static_cast<double>(0.6f))));
  p_.temperature = 1.5f;
  check("temperature 1.5", distribution(reference_temperature(list_, 1.5)));
  p_.temperature = 1, p_.dynatemp_range = 0.5f, p_.dynatemp_exponent = 2;
  check("dynatemp 1 +- 0.5, ^2", distribution(reference_dynatemp(list_, 1, 0.5, 2)));
  p_.temperature = 0.25f, p_.dynatemp_range = 0.75f, p_.dynatemp_exponent = 0.5f;
  check("dynatemp 0.25 +- 0.75, ^0.5", distribution(reference_dynatemp(list_, 0.25, 0.75, 0.5)));
}

TEST_F(Distributions, OfXtc) {
  logits_[20] += 3, list_[20].logit = logits_[20];
  logits_[30] += 3, list_[30].logit = logits_[30];
  p_.xtc_probability = 0.3f, p_.xtc_threshold = 0.05f;
  Distribution expected;
  for (const auto& [id, p] : distribution(list_)) expected[id] += 0.7 * p;
  for (const auto& [id, p] : distribution(reference_xtc(list_, 0.05))) expected[id] += 0.3 * p;
  check("xtc 0.3, 0.05", expected);
  p_.xtc_probability = 1, p_.top_k = 10;
  check("top_k 10, xtc 1, 0.05", distribution(reference_xtc(reference_top_k(list_, 10), 0.05)));
}

TEST_F(Distributions, OfPenalties) {
  history_ = {5, 9, 5, 7, 1, 2, 3, 5, 9, 9};
  p_.repeat_penalty = 1.5f, p_.frequency_penalty = 0.25f, p_.presence_penalty = -0.5f;
  check("penalties", distribution(reference_penalties(list_, history_, 1.5, 0.25, -0.5)));
  p_.repeat_last_n = 3;
  check("penalties, last 3", distribution(reference_penalties(list_, {5, 9, 9}, 1.5, 0.25, -0.5)));
  p_.repeat_last_n = -1, p_.top_k = 20, p_.samplers = {"top_k", "penalties"};
  check("top_k 20, then penalties",
        distribution(reference_penalties(reference_top_k(list_, 20), history_, 1.5, 0.25, -0.5)));
}

TEST_F(Distributions, OfDry) {
  history_ = {4, 1, 2, 3, 7, 9, 2, 3, 8, 1, 2, 3, 5, 6, 1, 2, 3};
  p_.dry_multiplier = 0.8f;
  const auto m = static_cast<double>(0.8f);
  check("dry", distribution(reference_dry(list_, history_, m, 1.75, 2)));
  p_.dry_allowed_length = 1, p_.dry_base = 1.2f;
  check("dry, length 1",
        distribution(reference_dry(list_, history_, m, static_cast<double>(1.2f), 1)));
  p_.dry_penalty_last_n = 9;
  check("dry, last 9", distribution(reference_dry(list_, {8, 1, 2, 3, 5, 6, 1, 2, 3}, m,
                                                  static_cast<double>(1.2f), 1)));
}

TEST_F(Distributions, OfTheDefaultChain) {
  p_ = SamplerParameters();
  List expected = reference_top_k(list_, 40);
  expected = reference_top_p(expected, static_cast<double>(0.95f));
  expected = reference_min_p(expected, static_cast<double>(0.05f));
  check("default", distribution(reference_temperature(expected, static_cast<double>(0.8f))));

  p_.top_n_sigma = 2, p_.typical_p = 0.9f, p_.presence_penalty = 0.4f;
  history_ = {1, 2, 3, 4, 5};
  expected = reference_penalties(list_, history_, 1, 0, static_cast<double>(0.4f));
  expected = reference_top_k(reference_top_n_sigma(expected, 2), 40);
  expected = reference_top_p(reference_typical(by_rank(expected), static_cast<double>(0.9f)),
                             static_cast<double>(0.95f));
  expected = reference_min_p(expected, static_cast<double>(0.05f));
  check("default and more",
        distribution(reference_temperature(expected, static_cast<double>(0.8f))));
}

TEST_F(Distributions, OfTheOrder) {
  p_.samplers = parse_samplers("temperature;top_p");
  p_.temperature = 2, p_.top_p = 0.7f, p_.top_k = 3;  // top_k is not named
  check("temperature, then top_p",
        distribution(reference_top_p(reference_temperature(list_, 2), static_cast<double>(0.7f))));
}

// Both are judged at the start, and after what they chose has taught them.
TEST_F(Distributions, OfSamplersThatLearn) {
  for (const int version : {1, 2}) {
    p_.mirostat = version, p_.mirostat_tau = 2, p_.mirostat_eta = 0.2f;
    SamplerChain chain(p_, vocab());
    double mu = 4;
    check(version == 1 ? "mirostat 1" : "mirostat 2",
          distribution(reference_mirostat(list_, version, mu)), chain);
    for (int64_t i = 0; i < 12; ++i) {
      const Choice choice = chain.sample({logits_, {}, 1000 + i});
      const Distribution now = distribution(reference_mirostat(list_, version, mu));
      mu -= static_cast<double>(0.2f) * (-std::log2(now.at(choice.id)) - 2);
      chain.accept(choice);
    }
    check(version == 1 ? "mirostat 1, later" : "mirostat 2, later",
          distribution(reference_mirostat(list_, version, mu)), chain);
  }
  p_.mirostat = 0, p_.top_k = 12, p_.adaptive_target = 0.15f;
  p_.samplers = parse_samplers("adaptive_p;top_k");
  const List kept = reference_top_k(list_, 12);
  const auto target = static_cast<double>(0.15f), decay = static_cast<double>(0.9f);
  SamplerChain chain(p_, vocab());
  check("adaptive_p", distribution(reference_adaptive(kept, target)), chain);
  double sum = target / (1 - decay), weight = 1 / (1 - decay);
  for (int64_t i = 0; i < 12; ++i) {
    const Choice choice = chain.sample({logits_, {}, 1000 + i});
    sum = distribution(kept).at(choice.id) + decay * sum;
    weight = 1 + decay * weight;
    chain.accept(choice);
  }
  const double adapted = std::clamp(2 * target - sum / weight, 0.0, 1.0);
  check("adaptive_p, later", distribution(reference_adaptive(kept, adapted)), chain);
}

// Several chunks, and selections that do not fit into the first look at the best.
class LargeVocabulary : public Distributions {
 protected:
  LargeVocabulary() : Distributions(9000) { draws_ /= 40; }
};

TEST_F(LargeVocabulary, IsDrawnFromAsASmallOne) {
  check("softmax of 9000", distribution(list_));
  p_.temperature = 0.3f;
  check("temperature 0.3 of 9000",
        distribution(reference_temperature(list_, static_cast<double>(0.3f))));
  p_.temperature = 1, p_.top_p = 0.5f;
  check("top_p 0.5 of 9000", distribution(reference_top_p(list_, 0.5)));
  p_.top_p = 1, p_.typical_p = 0.3f;
  check("typ_p 0.3 of 9000", distribution(reference_typical(list_, static_cast<double>(0.3f))));
}

}  // namespace
}  // namespace avocado
