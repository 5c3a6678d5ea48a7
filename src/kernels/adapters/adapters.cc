#include "kernels/adapters/adapters.h"

#include "kernels/adapters/adapters_ref.h"
#include "kernels/implementations.h"

namespace avocado::kernels {
namespace {

// Columns of dmagnitude that one task owns.
constexpr int64_t kStrip = 64;

AVOCADO_FMA_CLONES void add_scaled_range(const float* x, const float* z, float scale, float* y,
                                         int64_t count) {
  reference::add_scaled(x, z, scale, y, count);
}
void add_scaled_range(const double* x, const double* z, double scale, double* y, int64_t count) {
  reference::add_scaled(x, z, scale, y, count);
}

AVOCADO_FMA_CLONES void dora_row(const float* x, const float* z, const DoraWeights<float>& w,
                                 float* y, int64_t cols) {
  reference::dora_row(x, z, w, y, cols);
}
void dora_row(const double* x, const double* z, const DoraWeights<double>& w, double* y,
              int64_t cols) {
  reference::dora_row(x, z, w, y, cols);
}

AVOCADO_FMA_CLONES void dora_magnitude(const float* x, const float* z, const DoraWeights<float>& w,
                                       const float* dy, float* dmagnitude, int64_t rows,
                                       int64_t cols, int64_t begin, int64_t end) {
  reference::dora_backward_magnitude(x, z, w, dy, dmagnitude, rows, cols, begin, end);
}
void dora_magnitude(const double* x, const double* z, const DoraWeights<double>& w,
                    const double* dy, double* dmagnitude, int64_t rows, int64_t cols, int64_t begin,
                    int64_t end) {
  reference::dora_backward_magnitude(x, z, w, dy, dmagnitude, rows, cols, begin, end);
}

}  // namespace

template <class T>
void add_scaled(ThreadPool& pool, const T* x, const T* z, double scale, T* y, int64_t count) {
  pool.run_chunks(count, kElementsPerTask, [&](int64_t i, int64_t end) {
    add_scaled_range(x + i, z + i, static_cast<T>(scale), y + i, end - i);
  });
}

template <class T>
void scale(ThreadPool& pool, const T* dy, double scale, T* dz, int64_t count) {
  const T factor = static_cast<T>(scale);
  pool.run_chunks(count, kElementsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) dz[i] = factor * dy[i];
  });
}

template <class T>
void dora(ThreadPool& pool, const T* x, const T* z, const DoraWeights<T>& w, T* y, int64_t rows,
          int64_t cols) {
  pool.run_chunks(rows, rows_per_task(cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      dora_row(x + r * cols, z + r * cols, w, y + r * cols, cols);
  });
}

template <class T>
void dora_backward(ThreadPool& pool, const T* x, const T* z, const DoraWeights<T>& w, const T* dy,
                   const DoraGradients<T>& gradients, int64_t rows, int64_t cols) {
  // The magnitudes first: dx may overwrite dy.
  if (gradients.dmagnitude)
    pool.run_chunks(cols, kStrip, [&](int64_t begin, int64_t end) {
      dora_magnitude(x, z, w, dy, gradients.dmagnitude, rows, cols, begin, end);
    });
  pool.run_chunks(rows, rows_per_task(cols), [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * cols; at < end * cols; at += cols)
      reference::dora_backward_row(w, dy + at, gradients.dx ? gradients.dx + at : nullptr,
                                   gradients.dz ? gradients.dz + at : nullptr, cols);
  });
}

#define AVOCADO_ADAPTERS(T)                                                                     \
  template void add_scaled(ThreadPool&, const T*, const T*, double, T*, int64_t);               \
  template void scale(ThreadPool&, const T*, double, T*, int64_t);                              \
  template void dora(ThreadPool&, const T*, const T*, const DoraWeights<T>&, T*, int64_t,       \
                     int64_t);                                                                  \
  template void dora_backward(ThreadPool&, const T*, const T*, const DoraWeights<T>&, const T*, \
                              const DoraGradients<T>&, int64_t, int64_t)

AVOCADO_ADAPTERS(float);
AVOCADO_ADAPTERS(double);

}  // namespace avocado::kernels
