#pragma once
#include "tensor/blocks/half.h"

namespace avocado {

// In both types byte i holds element i in its low nibble and element i + 16 in its high one.

// Q4_0: 32 elements in 18 bytes (4.5 bits each). x[i] = d * (q[i] - 8). Exact in float.
struct BlockQ4_0 {
  static constexpr int64_t kCount = 32;
  Half d;
  uint8_t q[16];

  void decode(float* x) const {
    const float scale = d.value();
    for (int i = 0; i < 16; ++i) {
      x[i] = scale * static_cast<float>((q[i] & 15) - 8);
      x[i + 16] = scale * static_cast<float>((q[i] >> 4) - 8);
    }
  }
};
static_assert(sizeof(BlockQ4_0) == 18);

// Q4_1: 32 elements in 20 bytes (5 bits each). x[i] = d * q[i] + m. The product is exact, the sum
// is rounded once.
struct BlockQ4_1 {
  static constexpr int64_t kCount = 32;
  Half d, m;
  uint8_t q[16];

  void decode(float* x) const {
    const float scale = d.value(), offset = m.value();
    for (int i = 0; i < 16; ++i) {
      x[i] = scale * static_cast<float>(q[i] & 15) + offset;
      x[i + 16] = scale * static_cast<float>(q[i] >> 4) + offset;
    }
  }
};
static_assert(sizeof(BlockQ4_1) == 20);

}  // namespace avocado
