#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tensor/dtype.h"

namespace avocado {
namespace {

// The definition of binary16, in double arithmetic.
double half_by_definition(uint16_t h) {
  const double sign = h & 0x8000 ? -1 : 1;
  const int exponent = h >> 10 & 31, mantissa = h & 0x3ff;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  if (exponent == 31)
    return mantissa ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Float16, EveryHalfHasTheValueOfTheDefinition) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const float value = f16_to_f32(static_cast<uint16_t>(h));
    const double wanted = half_by_definition(static_cast<uint16_t>(h));
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(value)) << h;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(value), std::bit_cast<uint32_t>(static_cast<float>(wanted)))
          << h;
    }
  }
}

TEST(Float16, EveryHalfComesBack) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const uint16_t back = f32_to_f16(f16_to_f32(static_cast<uint16_t>(h)));
    if ((h & 0x7fff) > 0x7c00) {
      ASSERT_GT(back & 0x7fff, 0x7c00) << h;  // some NaN
    } else {
      ASSERT_EQ(back, h);
    }
  }
}

// Rounding is monotonic, so the points where it steps decide it for every float.
TEST(Float16, EveryStepRoundsToNearestEven) {
  for (uint32_t sign : {0u, 0x8000u}) {
    for (uint32_t h = 0; h < 0x7c00; ++h) {
      const double lower = half_by_definition(static_cast<uint16_t>(h));
      // Infinity takes the place of 65536, the next number if the exponent went on.
      const double upper = h == 0x7bff ? 65536.0 : half_by_definition(static_cast<uint16_t>(h + 1));
      const float middle = static_cast<float>((lower + upper) / 2);
      const float s = sign ? -1.0f : 1.0f;
      const uint32_t even = h % 2 == 0 ? h : h + 1;
      ASSERT_EQ(f32_to_f16(s * middle), sign | even) << h;
      ASSERT_EQ(f32_to_f16(s * std::nextafter(middle, 0.0f)), sign | h) << h;
      ASSERT_EQ(f32_to_f16(s * std::nextafter(middle, 1e9f)), sign | (h + 1)) << h;
    }
  }
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_EQ(f32_to_f16(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(BFloat16, EveryNumberComesBackAndEveryStepRoundsToNearestEven) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const uint16_t number = static_cast<uint16_t>(h);
    const float value = bf16_to_f32(number);
    ASSERT_EQ(std::bit_cast<uint32_t>(value), h << 16);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(value)))) << h;
      continue;
    }
    ASSERT_EQ(f32_to_bf16(value), number);
    if (std::isinf(value)) continue;
    const uint32_t middle = h << 16 | 0x8000;
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(middle)), h % 2 == 0 ? h : h + 1);
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(middle - 1)), h);
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(middle + 1)), h + 1);
  }
}

TEST(BFloat16, NanStaysNanWhateverItsPayload) {
  for (uint32_t payload : {1u, 0x7fffu, 0x8000u, 0xffffu, 0x10000u, 0x3fffffu, 0x7fffffu}) {
    for (uint32_t sign : {0u, 0x80000000u}) {
      const float nan = std::bit_cast<float>(sign | 0x7f800000 | payload);
      EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(nan)))) << payload;
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(nan)))) << payload;
    }
  }
}

}  // namespace
}  // namespace avocado
