#pragma once
#include "tensor/blocks/half.h"

namespace avocado {

// The 32 five-bit numbers of a Q5_0 or Q5_1 block. Byte i of `low` holds the lower four bits of
// elements i (low nibble) and i + 16 (high nibble); bit i of `high`, a little-endian 32-bit word,
// is the fifth bit of element i.
struct FiveBits {
  uint8_t high[4];
  uint8_t low[16];

  int operator[](int i) const {
    const int nibble = i < 16 ? low[i] & 15 : low[i - 16] >> 4;
    return nibble | (high[i / 8] >> (i % 8) & 1) << 4;
  }
};

// Q5_0: 32 elements in 22 bytes (5.5 bits each). x[i] = d * (q[i] - 16). Exact in float.
struct BlockQ5_0 {
  static constexpr int64_t kCount = 32;
  Half d;
  FiveBits q;

  void decode(float* x) const {
    const float scale = d.value();
    for (int i = 0; i < 32; ++i) x[i] = scale * static_cast<float>(q[i] - 16);
  }
};
static_assert(sizeof(BlockQ5_0) == 22);

// Q5_1: 32 elements in 24 bytes (6 bits each). x[i] = d * q[i] + m. The product is exact, the sum
// is rounded once.
struct BlockQ5_1 {
  static constexpr int64_t kCount = 32;
  Half d, m;
  FiveBits q;

  void decode(float* x) const {
    const float scale = d.value(), offset = m.value();
    for (int i = 0; i < 32; ++i) x[i] = scale * static_cast<float>(q[i]) + offset;
  }
};
static_assert(sizeof(BlockQ5_1) == 24);

}  // namespace avocado
