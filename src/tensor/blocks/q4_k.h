#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// Q4_K: 256 elements in 144 bytes (4.5 bits each), in eight groups of 32 with a 6-bit scale and
// minimum each: x = (d * scale) * q - (dmin * minimum).
// Each 32 bytes of q hold two groups: the even one in the low nibbles, the odd one in the high.
struct BlockQ4_K {
  static constexpr int kCount = 256, kGroup = 32, kBits = 4, kBias = 0;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = true;
  Half d, dmin;
  PackedScales scales;
  uint8_t q[128];

  int scale_code(int group) const { return scales.scale(group); }
  int offset_code(int group) const { return scales.minimum(group); }
  void codes(uint8_t* c) const {
    for (int group = 0; group < 8; ++group)
      for (int i = 0; i < 32; ++i)
        c[group * 32 + i] = q[group / 2 * 32 + i] >> (group % 2 * 4) & 15;
  }
};
static_assert(sizeof(BlockQ4_K) == 144);

}  // namespace avocado
