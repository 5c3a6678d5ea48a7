#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// Q8_0: 32 elements in 34 bytes (8.5 bits each). x[i] = d * q[i].
struct BlockQ8_0 {
  static constexpr int kCount = 32, kGroup = 32, kBits = 8, kBias = 128;
  static constexpr ScaleKind kScales = ScaleKind::half;
  static constexpr bool kOffsets = false;
  Half d;
  int8_t q[32];

  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) c[i] = static_cast<uint8_t>(q[i] + 128);
  }
};
static_assert(sizeof(BlockQ8_0) == 34);

}  // namespace avocado
