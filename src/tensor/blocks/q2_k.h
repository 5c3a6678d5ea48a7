#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// Q2_K: 256 elements in 84 bytes (2.625 bits each), in sixteen groups of 16 with a 4-bit scale (low
// nibble) and minimum (high nibble) each: x = (d * scale) * q - (dmin * minimum).
struct BlockQ2_K {
  static constexpr int kCount = 256, kGroup = 16, kBits = 2, kBias = 0;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = true;
  uint8_t scales[16];
  uint8_t q[64];
  Half d, dmin;

  int scale_code(int group) const { return scales[group] & 15; }
  int offset_code(int group) const { return scales[group] >> 4; }
  void codes(uint8_t* c) const { two_bit_codes(q, c); }
};
static_assert(sizeof(BlockQ2_K) == 84);

}  // namespace avocado
