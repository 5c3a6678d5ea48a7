#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// Q5_K: 256 elements in 176 bytes (5.5 bits each). As Q4_K, with a fifth bit: bit g of high[i]
// belongs to element i of group g.
struct BlockQ5_K {
  static constexpr int kCount = 256, kGroup = 32, kBits = 5, kBias = 0;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = true;
  Half d, dmin;
  PackedScales scales;
  uint8_t high[32];
  uint8_t low[128];

  int scale_code(int group) const { return scales.scale(group); }
  int offset_code(int group) const { return scales.minimum(group); }
  void codes(uint8_t* c) const {
    for (int group = 0; group < 8; ++group) {
      for (int i = 0; i < 32; ++i) {
        const int nibble = low[group / 2 * 32 + i] >> (group % 2 * 4) & 15;
        c[group * 32 + i] = static_cast<uint8_t>(nibble | (high[i] >> group & 1) << 4);
      }
    }
  }
};
static_assert(sizeof(BlockQ5_K) == 176);

}  // namespace avocado
