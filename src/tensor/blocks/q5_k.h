#pragma once
#include "tensor/blocks/half.h"

namespace avocado {

// Q5_K: 256 elements in 176 bytes (5.5 bits each). As Q4_K, with a fifth bit: bit g of high[i]
// belongs to element i of group g. Rounded once, by the subtraction.
struct BlockQ5_K {
  static constexpr int64_t kCount = 256;
  Half d, dmin;
  PackedScales scales;
  uint8_t high[32];
  uint8_t low[128];

  void decode(float* x) const {
    for (int group = 0; group < 8; ++group) {
      const float scale = d.value() * static_cast<float>(scales.scale(group));
      const float offset = dmin.value() * static_cast<float>(scales.minimum(group));
      const uint8_t* bytes = low + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) {
        const int q = (bytes[i] >> shift & 15) | (high[i] >> group & 1) << 4;
        x[group * 32 + i] = scale * static_cast<float>(q) - offset;
      }
    }
  }
};
static_assert(sizeof(BlockQ5_K) == 176);

}  // namespace avocado
