#pragma once
// The elementwise halves of adapters: how the product of an adapter joins that of the weight it is
// on. x is the product with the weight, z that with B A; T is float or double.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

// LoRA (Hu et al., 2021): y = fma(scale, z, x); scale is rounded to T first. y may equal x or z.
template <class T>
void add_scaled(ThreadPool& pool, const T* x, const T* z, double scale, T* y, int64_t count);

// dz = scale * dy; dz may equal dy.
template <class T>
void scale(ThreadPool& pool, const T* dy, double scale, T* dz, int64_t count);

// DoRA (Liu et al., 2024), with [cols] magnitudes and norms of the rows of W + scale B A:
// t = fma(scale, z, x), y = (magnitude / norm) * t, then + bias (may be null). y may equal x.
template <class T>
struct DoraWeights {
  const T *magnitude, *norms, *bias;
  double scale;
};
template <class T>
void dora(ThreadPool& pool, const T* x, const T* z, const DoraWeights<T>& w, T* y, int64_t rows,
          int64_t cols);

// The norm counts as a constant. dt = (magnitude / norm) * dy, dx = dt, dz = scale * dt,
// dmagnitude = fma(dy, t / norm, dmagnitude), rows ascending. Each of the three may be null; dx may
// equal dy.
template <class T>
struct DoraGradients {
  T *dx, *dz, *dmagnitude;
};
template <class T>
void dora_backward(ThreadPool& pool, const T* x, const T* z, const DoraWeights<T>& w, const T* dy,
                   const DoraGradients<T>& gradients, int64_t rows, int64_t cols);

}  // namespace avocado::kernels
