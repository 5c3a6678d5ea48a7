#pragma once
#include "tensor/blocks/q4.h"

namespace avocado {

// The values of a 4-bit float (E2M1), doubled to make them whole.
inline constexpr int8_t kMxfp4Table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// MXFP4 (OCP Microscaling Formats 1.0): 32 elements in 17 bytes (4.25 bits each).
// x[i] = 2^(e - 128) * table[q[i]]; nibbles as in Q4_0.
struct BlockMXFP4 {
  static constexpr int kCount = 32, kGroup = 32, kBits = 4;
  static constexpr const int8_t* kTable = kMxfp4Table;
  static constexpr ScaleKind kScales = ScaleKind::exponent;
  static constexpr bool kOffsets = false;
  uint8_t e;
  uint8_t q[16];

  void codes(uint8_t* c) const { nibbles_of_halves(q, c); }
};
static_assert(sizeof(BlockMXFP4) == 17);

}  // namespace avocado
