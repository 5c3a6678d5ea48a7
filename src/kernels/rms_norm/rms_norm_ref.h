#pragma once
// The definition of rms_norm in plain scalar code.

#include "kernels/reference.h"

namespace avocado::kernels::reference {

template <class T>
void rms_norm_rows(const T* x, const T* w, T* y, T* inv_rms, int64_t rows, int64_t cols, T eps) {
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    T lanes[kLanes] = {};
    for (int64_t c = 0; c < cols; ++c) lanes[c % kLanes] = std::fma(x[c], x[c], lanes[c % kLanes]);
    const T mean = sum_lanes(lanes) / static_cast<T>(cols);
    const T inv = T{1} / std::sqrt(mean + eps);
    for (int64_t c = 0; c < cols; ++c) y[c] = (x[c] * inv) * w[c];
    if (inv_rms != nullptr) inv_rms[r] = inv;
  }
}

template <class T>
void rms_norm_backward_rows(const T* x, const T* w, const T* inv_rms, const T* dy, T* dx,
                            int64_t rows, int64_t cols, bool add) {
  for (int64_t r = 0; r < rows; ++r, x += cols, dy += cols, dx += cols) {
    T lanes[kLanes] = {};
    for (int64_t c = 0; c < cols; ++c)
      lanes[c % kLanes] = std::fma(dy[c] * w[c], x[c], lanes[c % kLanes]);
    const T inv = inv_rms[r];
    const T k = (sum_lanes(lanes) * (inv * inv)) / static_cast<T>(cols);
    for (int64_t c = 0; c < cols; ++c) {
      const T v = inv * std::fma(-x[c], k, dy[c] * w[c]);
      dx[c] = add ? dx[c] + v : v;
    }
  }
}

// dw[begin .. end) over all rows.
template <class T>
void rms_norm_backward_weight(const T* x, const T* inv_rms, const T* dy, T* dw, int64_t rows,
                              int64_t cols, int64_t begin, int64_t end) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = begin; c < end; ++c)
      dw[c] = std::fma(dy[r * cols + c], x[r * cols + c] * inv_rms[r], dw[c]);
}

}  // namespace avocado::kernels::reference
