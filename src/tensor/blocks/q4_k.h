#pragma once
#include "tensor/blocks/half.h"

namespace avocado {

// Q4_K: 256 elements in 144 bytes (4.5 bits each), in eight groups of 32 with a 6-bit scale and
// minimum each: x = (d * scale) * q - (dmin * minimum). Both products and their product with q are
// exact in float, so an element is rounded once, by the subtraction.
// Each 32 bytes of q hold two groups: the even one in the low nibbles, the odd one in the high.
struct BlockQ4_K {
  static constexpr int64_t kCount = 256;
  Half d, dmin;
  PackedScales scales;
  uint8_t q[128];

  void decode(float* x) const {
    for (int group = 0; group < 8; ++group) {
      const float scale = d.value() * static_cast<float>(scales.scale(group));
      const float offset = dmin.value() * static_cast<float>(scales.minimum(group));
      const uint8_t* bytes = q + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) {
        x[group * 32 + i] = scale * static_cast<float>(bytes[i] >> shift & 15) - offset;
      }
    }
  }
};
static_assert(sizeof(BlockQ4_K) == 144);

}  // namespace avocado
