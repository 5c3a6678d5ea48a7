#pragma once
// The definition of rope in plain scalar code.

#include "kernels/reference.h"
#include "kernels/rope/rope.h"

namespace avocado::kernels::reference {

template <class T>
void rope_rows(const T* x, const T* cos_sin, T* y, int64_t n, int64_t heads, int64_t head_dim,
               int64_t rope_dim, RopeStyle style, bool inverse) {
  const int64_t half = rope_dim / 2;
  for (int64_t r = 0; r < n; ++r, cos_sin += 2 * half) {
    for (int64_t h = 0; h < heads; ++h, x += head_dim, y += head_dim) {
      for (int64_t i = 0; i < half; ++i) {
        const int64_t ia = style == RopeStyle::pairs ? 2 * i : i;
        const int64_t ib = style == RopeStyle::pairs ? 2 * i + 1 : i + half;
        const T cosine = cos_sin[2 * i];
        const T sine = inverse ? -cos_sin[2 * i + 1] : cos_sin[2 * i + 1];
        const T a = x[ia], b = x[ib];
        y[ia] = std::fma(a, cosine, -(b * sine));
        y[ib] = std::fma(b, cosine, a * sine);
      }
      for (int64_t i = rope_dim; i < head_dim; ++i) y[i] = x[i];
    }
  }
}

}  // namespace avocado::kernels::reference
