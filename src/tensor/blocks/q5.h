#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// The 32 five-bit numbers of a Q5_0 or Q5_1 block. Byte i of `low` holds the lower four bits of
// elements i (low nibble) and i + 16 (high nibble); bit i of `high`, a little-endian 32-bit word,
// is the fifth bit of element i.
struct FiveBits {
  uint8_t high[4];
  uint8_t low[16];

  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) {
      const int nibble = i < 16 ? low[i] & 15 : low[i - 16] >> 4;
      c[i] = static_cast<uint8_t>(nibble | (high[i / 8] >> (i % 8) & 1) << 4);
    }
  }
};

// Q5_0: 32 elements in 22 bytes (5.5 bits each). x[i] = d * (q[i] - 16).
struct BlockQ5_0 {
  static constexpr int kCount = 32, kGroup = 32, kBits = 5, kBias = 16;
  static constexpr ScaleKind kScales = ScaleKind::half;
  static constexpr bool kOffsets = false;
  Half d;
  FiveBits q;

  void codes(uint8_t* c) const { q.codes(c); }
};
static_assert(sizeof(BlockQ5_0) == 22);

// Q5_1: 32 elements in 24 bytes (6 bits each). x[i] = d * q[i] + m.
struct BlockQ5_1 {
  static constexpr int kCount = 32, kGroup = 32, kBits = 5, kBias = 0;
  static constexpr ScaleKind kScales = ScaleKind::half;
  static constexpr bool kOffsets = true;
  Half d, m;
  FiveBits q;

  void codes(uint8_t* c) const { q.codes(c); }
};
static_assert(sizeof(BlockQ5_1) == 24);

}  // namespace avocado
