#pragma once
// rms_norm: y[r, c] = x[r, c] * inv[r] * w[c], inv[r] = 1 / sqrt(mean_c(x[r, c]^2) + eps)
// (Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019).
//
// ORDER OF ROUNDING. Sum of squares: 16 lanes, element c goes to lane c mod 16 by one FMA, c
// ascending; lanes are added 16 -> 8 -> 4 -> 2 -> 1 (lane i with lane i + half). Then
// mean = sum / cols, inv = 1 / sqrt(mean + eps) with IEEE division and square root, and
// y = (x * inv) * w with two roundings. eps is first rounded to T.
// y may equal x. inv_rms [rows] may be null when no backward follows.
//
// T is float (every instruction set, same bits) or double (reference only, used to check
// gradients and accuracy).

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

template <class T>
void rms_norm(ThreadPool& pool, const T* x, const T* w, T* y, T* inv_rms, int64_t rows,
              int64_t cols, double eps);

// g[c] = dy[r, c] * w[c], s = sum_c g[c] * x[r, c] (16 lanes, FMA, same tree);
// k = (s * (inv * inv)) / cols, v[r, c] = inv * fma(-x[r, c], k, g[c]); dx = v, or dx + v when
// `add`. dw[c] = fma(dy[r, c], x[r, c] * inv[r], dw[c]), r ascending. dx may equal dy; dw may
// be null when the weights stay as they are.
template <class T>
void rms_norm_backward(ThreadPool& pool, const T* x, const T* w, const T* inv_rms, const T* dy,
                       T* dx, T* dw, int64_t rows, int64_t cols, bool add);

}  // namespace avocado::kernels
