#pragma once
// One step of a bf16 product, as the instruction vdpbf16ps defines it.

#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/dtype.h"

namespace avocado::kernels {

// fma(a, b, c) whose result counts as zero (with its sign) when it is subnormal. Smallness is
// judged as x86 does: after rounding to 24 bits with an unbounded exponent. A result that IEEE
// rounds up to 2^-126 is therefore small when the exact value lies below 2^-126 - 2^-151; there
// the double sum is exact enough to tell (a * b has 16 bits, c is a multiple of 2^-149).
inline float fma_flush(float a, float b, float c) {
  const float r = std::fma(a, b, c);
  const float size = std::fabs(r);
  if (!(size <= 0x1p-126f)) return r;
  const bool small = size < 0x1p-126f || std::fabs(static_cast<double>(a) * b +
                                                   static_cast<double>(c)) < 0x1p-126 - 0x1p-151;
  return small ? std::copysign(0.0f, r) : r;
}

// Subnormal bf16 numbers count as zero, with their sign.
inline uint16_t bf16_flush(uint16_t h) { return (h & 0x7f80) == 0 ? h & 0x8000 : h; }

// Two neighbours in k as one 32-bit word: the even k in the low half.
inline uint32_t bf16_pair(uint16_t even, uint16_t odd) {
  return bf16_flush(even) | static_cast<uint32_t>(bf16_flush(odd)) << 16;
}

// sum + a_odd * b_odd, then + a_even * b_even.
inline float bf16_dot_pair(float sum, uint32_t a, uint32_t b) {
  const auto odd = [](uint32_t pair) { return std::bit_cast<float>(pair & 0xffff0000u); };
  const auto even = [](uint32_t pair) { return std::bit_cast<float>(pair << 16); };
  return fma_flush(even(a), even(b), fma_flush(odd(a), odd(b), sum));
}

}  // namespace avocado::kernels
