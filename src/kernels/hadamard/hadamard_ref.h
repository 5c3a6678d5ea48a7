#pragma once
// The definition of hadamard in plain scalar code.

#include <algorithm>
#include <cstdint>

namespace avocado::kernels::reference {

inline void hadamard_blocks(const float* x, float* y, int64_t blocks, int64_t n, float scale) {
  if (y != x) std::copy_n(x, blocks * n, y);
  for (int64_t block = 0; block < blocks; ++block, y += n) {
    for (int64_t h = 1; h < n; h *= 2) {
      for (int64_t i = 0; i < n; ++i) {
        if ((i & h) != 0) continue;
        const float a = y[i], b = y[i + h];
        y[i] = a + b;
        y[i + h] = a - b;
      }
    }
    for (int64_t i = 0; i < n; ++i) y[i] *= scale;
  }
}

}  // namespace avocado::kernels::reference
