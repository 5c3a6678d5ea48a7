#pragma once
// The specification of linear.h in plain C++: what every other implementation must equal bit for
// bit. Each function computes a range of its outputs, so that threads can share the work.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/linear/bf16.h"
#include "tensor/dtype.h"

namespace avocado::kernels::reference {

// y[r, o] for r in [r0, r1), o in [o0, o1).
template <class T>
void linear(const T* x, const T* w, const T* bias, T* y, int64_t out, int64_t in, int64_t r0,
            int64_t r1, int64_t o0, int64_t o1) {
  for (int64_t r = r0; r < r1; ++r) {
    for (int64_t o = o0; o < o1; ++o) {
      T sum = 0;
      for (int64_t k = 0; k < in; ++k) sum = std::fma(x[r * in + k], w[o * in + k], sum);
      y[r * out + o] = bias ? sum + bias[o] : sum;
    }
  }
}

// The same for 16-bit floats.
inline void linear_f16(const float* x, const uint16_t* w, const float* bias, float* y, int64_t out,
                       int64_t in, int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
  for (int64_t r = r0; r < r1; ++r) {
    for (int64_t o = o0; o < o1; ++o) {
      float sum = 0;
      for (int64_t k = 0; k < in; ++k)
        sum = std::fma(x[r * in + k], f16_to_f32(w[o * in + k]), sum);
      y[r * out + o] = bias ? sum + bias[o] : sum;
    }
  }
}

// The same for bf16 pairs w [out, ceil(in / 2)].
inline void linear_bf16(const float* x, const float* w, const float* bias, float* y, int64_t out,
                        int64_t in, int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
  const int64_t steps = (in + 1) / 2;
  for (int64_t r = r0; r < r1; ++r) {
    for (int64_t o = o0; o < o1; ++o) {
      float sum = 0;
      for (int64_t s = 0; s < steps; ++s) {
        const int64_t k = r * in + 2 * s;
        const uint32_t pair =
            bf16_pair(f32_to_bf16(x[k]), 2 * s + 1 < in ? f32_to_bf16(x[k + 1]) : 0);
        sum = bf16_dot_pair(sum, pair, std::bit_cast<uint32_t>(w[o * steps + s]));
      }
      y[r * out + o] = bias ? sum + bias[o] : sum;
    }
  }
}

// A pair of factors, rounded to bf16.
inline uint32_t rounded_pair(float even, float odd) {
  return bf16_pair(f32_to_bf16(even), f32_to_bf16(odd));
}

// A sum of bf16 products that begins with an old value.
inline float bf16_begin(float old) {
  return std::fabs(old) < 0x1p-126f ? std::copysign(0.0f, old) : old;
}

// The same for f32 weights, rounded (linear_bf16.h).
inline void linear_rounded(const float* x, const float* w, const float* bias, float* y, int64_t out,
                           int64_t in, int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
  for (int64_t r = r0; r < r1; ++r) {
    for (int64_t o = o0; o < o1; ++o) {
      float sum = 0;
      for (int64_t k = 0; k < in; k += 2) {
        const float *a = x + r * in + k, *b = w + o * in + k;
        const bool odd = k + 1 < in;
        sum = bf16_dot_pair(sum, rounded_pair(a[0], odd ? a[1] : 0.0f),
                            rounded_pair(b[0], odd ? b[1] : 0.0f));
      }
      y[r * out + o] = bias ? sum + bias[o] : sum;
    }
  }
}

// dx[r, i] for r in [r0, r1), i in [i0, i1).
inline void linear_backward_input_bf16(const float* dy, const float* w, float* dx, int64_t out,
                                       int64_t in, bool add, int64_t r0, int64_t r1, int64_t i0,
                                       int64_t i1) {
  for (int64_t r = r0; r < r1; ++r) {
    for (int64_t i = i0; i < i1; ++i) {
      float sum = add ? bf16_begin(dx[r * in + i]) : 0.0f;
      for (int64_t o = 0; o < out; o += 2) {
        const bool odd = o + 1 < out;
        sum = bf16_dot_pair(sum, rounded_pair(dy[r * out + o], odd ? dy[r * out + o + 1] : 0.0f),
                            rounded_pair(w[o * in + i], odd ? w[(o + 1) * in + i] : 0.0f));
      }
      dx[r * in + i] = sum;
    }
  }
}

// dw[o, i] for o in [o0, o1), i in [i0, i1).
inline void linear_backward_weight_bf16(const float* dy, const float* x, float* dw, int64_t n,
                                        int64_t out, int64_t in, int64_t o0, int64_t o1, int64_t i0,
                                        int64_t i1) {
  for (int64_t o = o0; o < o1; ++o) {
    for (int64_t i = i0; i < i1; ++i) {
      float sum = bf16_begin(dw[o * in + i]);
      for (int64_t r = 0; r < n; r += 2) {
        const bool odd = r + 1 < n;
        sum = bf16_dot_pair(sum, rounded_pair(dy[r * out + o], odd ? dy[(r + 1) * out + o] : 0.0f),
                            rounded_pair(x[r * in + i], odd ? x[(r + 1) * in + i] : 0.0f));
      }
      dw[o * in + i] = sum;
    }
  }
}

// dx[r, i] for r in [r0, r1), i in [i0, i1).
template <class T>
void linear_backward_input(const T* dy, const T* w, T* dx, int64_t out, int64_t in, bool add,
                           int64_t r0, int64_t r1, int64_t i0, int64_t i1) {
  for (int64_t r = r0; r < r1; ++r) {
    if (!add) std::fill(dx + r * in + i0, dx + r * in + i1, T{0});
    for (int64_t o = 0; o < out; ++o) {
      const T factor = dy[r * out + o];
      for (int64_t i = i0; i < i1; ++i)
        dx[r * in + i] = std::fma(factor, w[o * in + i], dx[r * in + i]);
    }
  }
}

// dw[o, i] for o in [o0, o1), i in [i0, i1).
template <class T>
void linear_backward_weight(const T* dy, const T* x, T* dw, int64_t n, int64_t out, int64_t in,
                            int64_t o0, int64_t o1, int64_t i0, int64_t i1) {
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t o = o0; o < o1; ++o) {
      const T factor = dy[r * out + o];
      for (int64_t i = i0; i < i1; ++i)
        dw[o * in + i] = std::fma(factor, x[r * in + i], dw[o * in + i]);
    }
  }
}

// dbias[o] for o in [o0, o1).
template <class T>
void linear_backward_bias(const T* dy, T* dbias, int64_t n, int64_t out, int64_t o0, int64_t o1) {
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t o = o0; o < o1; ++o) dbias[o] += dy[r * out + o];
  }
}

}  // namespace avocado::kernels::reference
