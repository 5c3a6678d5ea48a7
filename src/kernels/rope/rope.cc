#include "kernels/rope/rope.h"

#include "kernels/implementations.h"
#include "kernels/math/math.h"
#include "kernels/rope/rope_ref.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void rows_reference(const float* x, const float* cos_sin, float* y, int64_t n,
                                       int64_t heads, int64_t head_dim, int64_t rope_dim,
                                       RopeStyle style, bool inverse) {
  reference::rope_rows(x, cos_sin, y, n, heads, head_dim, rope_dim, style, inverse);
}

using Rows = decltype(rows_reference);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kRope, "rope", rope_rows, Rows, rows_reference)

template <class T>
void rope_angles(ThreadPool& pool, const int32_t* positions, const double* frequencies, T* cos_sin,
                 int64_t n, int64_t half, double magnitude) {
  pool.run_chunks(n, rows_per_task(64 * half), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t i = 0; i < half; ++i) {
        const double angle = positions[r] * frequencies[i];
        cos_sin[(r * half + i) * 2] = static_cast<T>(kernels::cos(angle) * magnitude);
        cos_sin[(r * half + i) * 2 + 1] = static_cast<T>(kernels::sin(angle) * magnitude);
      }
    }
  });
}

template void rope_angles(ThreadPool&, const int32_t*, const double*, float*, int64_t, int64_t,
                          double);
template void rope_angles(ThreadPool&, const int32_t*, const double*, double*, int64_t, int64_t,
                          double);

template <>
void rope(ThreadPool& pool, const float* x, const float* cos_sin, float* y, int64_t n,
          int64_t heads, int64_t head_dim, int64_t rope_dim, RopeStyle style, bool inverse) {
  const int64_t width = heads * head_dim;
  Rows* run = kRope.pick();
  pool.run_chunks(n, rows_per_task(width), [&](int64_t r, int64_t end) {
    run(x + r * width, cos_sin + r * rope_dim, y + r * width, end - r, heads, head_dim, rope_dim,
        style, inverse);
  });
}

template <>
void rope(ThreadPool&, const double* x, const double* cos_sin, double* y, int64_t n, int64_t heads,
          int64_t head_dim, int64_t rope_dim, RopeStyle style, bool inverse) {
  reference::rope_rows(x, cos_sin, y, n, heads, head_dim, rope_dim, style, inverse);
}

}  // namespace avocado::kernels
