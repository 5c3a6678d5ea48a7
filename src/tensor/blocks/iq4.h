#pragma once
#include "tensor/blocks/q4.h"

namespace avocado {

// The sixteen values of IQ4_NL and IQ4_XS: denser near zero, as weights are.
inline constexpr int8_t kIq4Table[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};

// IQ4_NL: 32 elements in 18 bytes (4.5 bits each). x[i] = d * table[q[i]]; nibbles as in Q4_0.
struct BlockIQ4_NL {
  static constexpr int kCount = 32, kGroup = 32, kBits = 4;
  static constexpr const int8_t* kTable = kIq4Table;
  static constexpr ScaleKind kScales = ScaleKind::half;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[16];

  void codes(uint8_t* c) const { nibbles_of_halves(q, c); }
};
static_assert(sizeof(BlockIQ4_NL) == 18);

// IQ4_XS: 256 elements in 136 bytes (4.25 bits each), in eight groups of 32 with a 6-bit scale
// each, stored plus 32: x = (d * (scale - 32)) * table[q]. A group's nibbles lie as in Q4_0. The
// lower four bits of scale g are nibble g % 2 of scales_low[g / 2], the upper two bits 2 * g and
// the next of the little-endian scales_high.
struct BlockIQ4_XS {
  static constexpr int kCount = 256, kGroup = 32, kBits = 4;
  static constexpr const int8_t* kTable = kIq4Table;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t scales_high[2];
  uint8_t scales_low[4];
  uint8_t q[128];

  int scale_code(int group) const {
    const int lower = scales_low[group / 2] >> (group % 2 * 4) & 15;
    const int upper = scales_high[group / 4] >> (group % 4 * 2) & 3;
    return (lower | upper << 4) - 32;
  }
  void codes(uint8_t* c) const {
    for (int group = 0; group < 8; ++group) nibbles_of_halves(q + group * 16, c + group * 32);
  }
};
static_assert(sizeof(BlockIQ4_XS) == 136);

}  // namespace avocado
