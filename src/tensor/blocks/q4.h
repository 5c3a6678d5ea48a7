#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// In both types byte i holds element i in its low nibble and element i + 16 in its high one.
inline void nibbles_of_halves(const uint8_t* q, uint8_t* codes) {
  for (int i = 0; i < 16; ++i) {
    codes[i] = q[i] & 15;
    codes[i + 16] = q[i] >> 4;
  }
}

// Q4_0: 32 elements in 18 bytes (4.5 bits each). x[i] = d * (q[i] - 8).
struct BlockQ4_0 {
  static constexpr int kCount = 32, kGroup = 32, kBits = 4, kBias = 8;
  static constexpr ScaleKind kScales = ScaleKind::half;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[16];

  void codes(uint8_t* c) const { nibbles_of_halves(q, c); }
};
static_assert(sizeof(BlockQ4_0) == 18);

// Q4_1: 32 elements in 20 bytes (5 bits each). x[i] = d * q[i] + m.
struct BlockQ4_1 {
  static constexpr int kCount = 32, kGroup = 32, kBits = 4, kBias = 0;
  static constexpr ScaleKind kScales = ScaleKind::half;
  static constexpr bool kOffsets = true;
  Half d, m;
  uint8_t q[16];

  void codes(uint8_t* c) const { nibbles_of_halves(q, c); }
};
static_assert(sizeof(BlockQ4_1) == 20);

}  // namespace avocado
