#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// Q6_K: 256 elements in 210 bytes (6.5625 bits each), in sixteen groups of 16 with an 8-bit signed
// scale each: x = (d * scale) * (q - 32).
// The block is two halves of 128 elements. Element i of a half lies in quarter i / 32 at place
// p = i % 32: its lower four bits are in low[p] (quarters 0, 2) or low[p + 32] (quarters 1, 3), in
// the low nibble for quarters 0 and 1 and the high one for 2 and 3; its upper two bits are bits 2 *
// quarter and 2 * quarter + 1 of high[p].
struct BlockQ6_K {
  static constexpr int kCount = 256, kGroup = 16, kBits = 6, kBias = 32;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  Half d;

  int scale_code(int group) const { return scales[group]; }
  void codes(uint8_t* c) const {
    for (int run = 0; run < 8; ++run) {  // four quarters of each half
      const int half = run / 4, quarter = run % 4;
      for (int place = 0; place < 32; ++place) {
        const int nibble = low[half * 64 + quarter % 2 * 32 + place] >> (quarter / 2 * 4) & 15;
        const int upper = high[half * 32 + place] >> (quarter * 2) & 3;
        c[run * 32 + place] = static_cast<uint8_t>(nibble | upper << 4);
      }
    }
  }
};
static_assert(sizeof(BlockQ6_K) == 210);

}  // namespace avocado
