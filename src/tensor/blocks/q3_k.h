#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// Q3_K: 256 elements in 110 bytes (3.4375 bits each), in sixteen groups of 16 with a 6-bit scale
// each, stored plus 32: x = (d * (scale - 32)) * (q - 4).
// The two lower bits of q lie as in Q2_K; bit i / 32 of high[i % 32] is the third. The lower four
// bits of scale g are in nibble g / 8 of scales[g % 8], the upper two in bits 2 * (g / 4) and the
// next of scales[8 + g % 4].
struct BlockQ3_K {
  static constexpr int kCount = 256, kGroup = 16, kBits = 3, kBias = 4;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  uint8_t high[32];
  uint8_t low[64];
  uint8_t scales[12];
  Half d;

  int scale_code(int group) const {
    const int lower = scales[group % 8] >> (group / 8 * 4) & 15;
    const int upper = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    return (lower | upper << 4) - 32;
  }
  void codes(uint8_t* c) const {
    two_bit_codes(low, c);
    for (int run = 0; run < 8; ++run)
      for (int i = 0; i < 32; ++i)
        c[run * 32 + i] = static_cast<uint8_t>(c[run * 32 + i] | (high[i] >> run & 1) << 2);
  }
};
static_assert(sizeof(BlockQ3_K) == 110);

}  // namespace avocado
