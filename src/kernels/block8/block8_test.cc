#include "kernels/block8/block8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "base/philox.h"

namespace avocado::kernels {
namespace {

// Numbers of both signs over ten orders of magnitude, with a few zeros.
std::vector<float> wide_numbers(int64_t count, bool positive) {
  const Random random(21, Purpose::test);
  std::vector<float> x;
  for (int64_t i = 0; i < count; ++i) {
    const auto u = static_cast<uint64_t>(i);
    double value = std::pow(10.0, -10.0 * random.uniform64(2 * u));
    if (random.below(2 * u + 1, 50) == 0) value = 0;
    if (!positive && random.below(2 * u + 1, 2) == 0) value = -value;
    x.push_back(static_cast<float>(value));
  }
  return x;
}

struct Coded {
  std::vector<float> x, back, scales;
  std::vector<uint8_t> codes;

  Coded(Code8 code, std::vector<float> values)
      : x(std::move(values)),
        back(x.size()),
        scales(static_cast<size_t>(blocks8(static_cast<int64_t>(x.size())))),
        codes(x.size()) {
    encode8(code, x.data(), codes.data(), scales.data(), static_cast<int64_t>(x.size()));
    decode8(code, codes.data(), scales.data(), back.data(), static_cast<int64_t>(x.size()));
  }
  double scale(size_t i) const { return scales[i / kBlock8]; }
};

TEST(Block8, ErrorsStayBelowTheStatedBounds) {
  const Coded first(Code8::signed_square, wide_numbers(100'003, false));
  double worst = 0;
  for (size_t i = 0; i < first.x.size(); ++i) {
    const double s = first.scale(i), size = std::fabs(first.x[i]) / s;
    const double bound = s * (std::sqrt(size) / 127 + 1.0 / 64516);
    const double error = std::fabs(static_cast<double>(first.back[i]) - first.x[i]);
    worst = std::max(worst, error / s);
    ASSERT_LE(error, bound * (1 + 1e-5)) << i << ": " << first.x[i] << " of " << s;
    ASSERT_TRUE(first.back[i] != 0 || size < 1.0001 / 64516) << first.x[i] << " of " << s;
  }
  std::printf("signed_square: largest error %.4f %% of the block's largest\n", 100 * worst);
  const Coded second(Code8::fourth_power, wide_numbers(100'003, true));
  double worst_root = 0;
  for (size_t i = 0; i < second.x.size(); ++i) {
    if (second.x[i] == 0) {
      ASSERT_EQ(second.back[i], 0);
      continue;
    }
    ASSERT_GT(second.back[i], 0);
    const double y = std::pow(second.x[i] / second.scale(i), 0.25);
    if (y < 1.0 / 510) continue;  // raised to the least code
    const double root = std::sqrt(second.x[i]), error = std::fabs(std::sqrt(second.back[i]) - root);
    ASSERT_LE(error / root, (std::pow(1 + 1 / (510 * y), 2) - 1) * (1 + 1e-4)) << second.x[i];
    if (y > 0.99) worst_root = std::max(worst_root, error / root);
  }
  std::printf("fourth_power: largest error %.4f %% of the root of what is near the largest\n",
              100 * worst_root);
}

TEST(Block8, CodesAreAFixedPoint) {
  for (Code8 code : {Code8::signed_square, Code8::fourth_power}) {
    const Coded once(code, wide_numbers(2011, code == Code8::fourth_power));
    const Coded twice(code, once.back);
    EXPECT_EQ(once.codes, twice.codes);
  }
}

TEST(Block8, ABlockOfZerosIsZeros) {
  for (Code8 code : {Code8::signed_square, Code8::fourth_power}) {
    const Coded coded(code, std::vector<float>(65, 0.0f));
    EXPECT_EQ(coded.back, coded.x);
    EXPECT_EQ(coded.codes, std::vector<uint8_t>(65, 0));
    EXPECT_EQ(coded.scales, std::vector<float>(2, 0.0f));
  }
}

}  // namespace
}  // namespace avocado::kernels
