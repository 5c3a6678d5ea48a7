#pragma once
#include "tensor/blocks/half.h"

namespace avocado {

// Q8_0: 32 elements in 34 bytes (8.5 bits each). x[i] = d * q[i]. The product is exact in float.
struct BlockQ8_0 {
  static constexpr int64_t kCount = 32;
  Half d;
  int8_t q[32];

  void decode(float* x) const {
    const float scale = d.value();
    for (int i = 0; i < 32; ++i) x[i] = scale * static_cast<float>(q[i]);
  }
};
static_assert(sizeof(BlockQ8_0) == 34);

}  // namespace avocado
