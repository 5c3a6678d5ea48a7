#include "infer/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "kernels/math/math.h"

namespace avocado {
namespace {

constexpr float kNever = -INFINITY;

// Many ties, and here and there no candidate.
std::vector<float> some_logits(size_t count, uint32_t stream) {
  const Random random(4, Purpose::test, stream);
  std::vector<float> logits(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t x = random.below(i, 40);
    logits[i] = x == 0 ? kNever : static_cast<float>(x) / 4 - 5;
  }
  return logits;
}

std::vector<Candidate> sorted(const std::vector<float>& logits) {
  std::vector<Candidate> items;
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] != kNever) items.push_back({static_cast<int32_t>(i), logits[i]});
  std::stable_sort(items.begin(), items.end(),
                   [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
  return items;
}

void expect_equal(const std::vector<Candidate>& a, const std::vector<Candidate>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].id, b[i].id) << i;
    ASSERT_EQ(a[i].logit, b[i].logit) << i;
  }
}

TEST(Candidates, TheBestAreThoseOfAFullSort) {
  uint32_t stream = 0;
  for (const size_t count : {1u, 2u, 31u, 32u, 33u, 200u, 5000u}) {
    std::vector<std::vector<float>> rows = {some_logits(count, stream++)};
    rows[0][count / 2] = 1;  // at least one
    rows.push_back(rows[0]);
    std::sort(rows[1].begin(), rows[1].end());  // each better than all before
    rows.emplace_back(count, 2.5f);             // all alike
    for (const std::vector<float>& logits : rows) {
      const std::vector<Candidate> all = sorted(logits);
      const Candidates candidates(logits);
      EXPECT_EQ(candidates.best(), all[0].logit);
      EXPECT_EQ(candidates.size(), static_cast<int64_t>(all.size()));
      for (const size_t k : {0u, 1u, 2u, 7u, 40u, 1000u, 6000u}) {
        const auto kept = std::min(k, all.size());
        expect_equal(candidates.best_of(static_cast<int64_t>(k)),
                     {all.begin(), all.begin() + static_cast<ptrdiff_t>(kept)});
        size_t asked = 0;
        expect_equal(candidates.best_while([&](const Candidate&) { return asked++ < k; }),
                     {all.begin(), all.begin() + static_cast<ptrdiff_t>(kept)});
        EXPECT_EQ(asked, std::min(k + 1, all.size()));  // each candidate once
      }
    }
  }
}

TEST(Candidates, TheNearestAreThoseOfAFullSort) {
  uint32_t stream = 100;
  for (const size_t count : {1u, 33u, 200u, 5000u}) {
    std::vector<std::vector<float>> rows = {some_logits(count, stream++)};
    rows[0][count / 2] = 1;
    rows.push_back(rows[0]);
    std::sort(rows[1].begin(), rows[1].end());
    rows.emplace_back(count, 2.5f);
    for (const std::vector<float>& logits : rows) {
      for (const double centre : {-7.0, -1.125, 0.0, 1.0 / 3, 50.0}) {
        std::vector<Candidate> all = sorted(logits);
        std::stable_sort(all.begin(), all.end(), [&](const Candidate& a, const Candidate& b) {
          return std::abs(a.logit - centre) < std::abs(b.logit - centre);
        });
        const Candidates by_id(logits);
        Candidates by_rank(logits);
        by_rank.keep_best(6000);
        for (const size_t k : {1u, 2u, 7u, 40u, 1000u, 6000u}) {
          const std::vector<Candidate> expected = {
              all.begin(), all.begin() + static_cast<ptrdiff_t>(std::min(k, all.size()))};
          expect_equal(by_id.nearest(centre, static_cast<int64_t>(k)), expected);
          expect_equal(by_rank.nearest(centre, static_cast<int64_t>(k)), expected);
        }
      }
    }
  }
}

TEST(Candidates, SumsHaveTheStatedOrder) {
  const std::vector<float> logits = some_logits(9001, 50);
  Candidates candidates(logits);
  const float best = candidates.best();
  double expected = 0;
  for (size_t chunk = 0; chunk < logits.size(); chunk += 4096) {
    double lanes[16] = {};
    for (size_t i = chunk; i < std::min(logits.size(), chunk + 4096); ++i)
      lanes[i % 16] += kernels::exp(logits[i] - best);
    for (int half = 8; half > 0; half /= 2)
      for (int j = 0; j < half; ++j) lanes[j] += lanes[j + half];
    expected += lanes[0];
  }
  EXPECT_EQ(candidates.total(), expected);

  candidates.keep_best(9001);
  expected = 0;
  for (const Candidate& c : sorted(logits)) expected += kernels::exp(c.logit - best);
  EXPECT_EQ(candidates.total(), expected);
}

TEST(Candidates, ChangesAreTheSameByIdAndByRank) {
  const std::vector<float> logits = some_logits(500, 60);
  const std::vector<int32_t> ids = {0, 3, 17, 18, 250, 499};
  const auto change = [](size_t i, float logit) {
    return i == 2 ? kNever : logit - static_cast<float>(i);
  };
  std::vector<float> expected = logits;
  for (size_t i = 0; i < ids.size(); ++i)
    if (expected[ids[i]] != kNever) expected[ids[i]] = change(i, expected[ids[i]]);

  Candidates by_id(logits), by_rank(logits);
  by_rank.keep_best(500);
  by_id.change(ids, change);
  by_rank.change(ids, change);
  expect_equal(by_id.best_of(500), sorted(expected));
  expect_equal(by_rank.list(), sorted(expected));
  EXPECT_EQ(by_id.logit(3), expected[3]);
  EXPECT_EQ(by_rank.logit(3), expected[3]);
  EXPECT_EQ(by_rank.logit(17), kNever);

  by_id.drop_best(70);
  by_rank.drop_best(70);
  expect_equal(by_id.best_of(500), by_rank.list());
  by_id.keep_from(0, 1);
  by_rank.keep_from(0, 1);
  expect_equal(by_id.list(), by_rank.list());
  by_id.keep_from(1000, 3);
  EXPECT_EQ(by_id.size(), 3);
}

TEST(Candidates, AMaskTakesTheRest) {
  for (const size_t count : {1u, 32u, 45u, 96u, 1000u}) {
    const std::vector<float> logits = some_logits(count, 70);
    const Random random(5, Purpose::test);
    std::vector<uint32_t> mask;
    std::vector<float> expected = logits;
    for (size_t word = 0; word < (count + 31) / 32; ++word)
      mask.push_back(word % 3 == 0 ? ~0u : random.u32(word));
    for (size_t i = 0; i < count; ++i)
      if ((mask[i / 32] >> i % 32 & 1) == 0) expected[i] = kNever;
    Candidates candidates(logits);
    candidates.apply_mask(mask);
    expect_equal(candidates.best_of(1000), sorted(expected));
  }
}

TEST(Candidates, DrawsWhereTheRunningSumPasses) {
  const std::vector<float> logits = some_logits(9000, 80);
  for (const bool ranked : {false, true}) {
    Candidates candidates(logits);
    if (ranked) candidates.keep_best(300);
    const std::vector<Candidate> order = candidates.list();
    EXPECT_EQ(candidates.draw(0).id, order.front().id);
    EXPECT_EQ(candidates.draw(1 - 0x1p-24).id, order.back().id);
    const double total = candidates.total();
    double sum = 0;
    for (const Candidate& c : order) {
      const double p = kernels::exp(c.logit - candidates.best());
      EXPECT_EQ(candidates.draw((sum + p / 2) / total).id, c.id);  // far from any rounding
      sum += p;
    }
  }
}

}  // namespace
}  // namespace avocado
