#pragma once
// The definition (adapters.h). There is no other implementation: compilers make vectors of these
// loops, and memory is what they wait for.

#include <cmath>

#include "kernels/adapters/adapters.h"
#include "kernels/reference.h"

namespace avocado::kernels::reference {

template <class T>
void add_scaled(const T* x, const T* z, T scale, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = std::fma(scale, z[i], x[i]);
}

template <class T>
void dora_row(const T* x, const T* z, const DoraWeights<T>& w, T* y, int64_t cols) {
  const T scale = static_cast<T>(w.scale);
  for (int64_t c = 0; c < cols; ++c) {
    const T product = w.magnitude[c] / w.norms[c] * std::fma(scale, z[c], x[c]);
    y[c] = w.bias ? product + w.bias[c] : product;
  }
}

template <class T>
void dora_backward_row(const DoraWeights<T>& w, const T* dy, T* dx, T* dz, int64_t cols) {
  const T scale = static_cast<T>(w.scale);
  for (int64_t c = 0; c < cols; ++c) {
    const T dt = w.magnitude[c] / w.norms[c] * dy[c];
    if (dz) dz[c] = scale * dt;
    if (dx) dx[c] = dt;
  }
}

// Columns [begin, end).
template <class T>
void dora_backward_magnitude(const T* x, const T* z, const DoraWeights<T>& w, const T* dy,
                             T* dmagnitude, int64_t rows, int64_t cols, int64_t begin,
                             int64_t end) {
  const T scale = static_cast<T>(w.scale);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = begin; c < end; ++c) {
      const int64_t i = r * cols + c;
      dmagnitude[c] = std::fma(dy[i], std::fma(scale, z[i], x[i]) / w.norms[c], dmagnitude[c]);
    }
}

}  // namespace avocado::kernels::reference
