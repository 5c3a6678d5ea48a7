#include "kernels/rms_norm/rms_norm.h"

#include "kernels/implementations.h"
#include "kernels/rms_norm/rms_norm_ref.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void forward_rows(const float* x, const float* w, float* y, float* inv_rms,
                                     int64_t rows, int64_t cols, float eps) {
  reference::rms_norm_rows(x, w, y, inv_rms, rows, cols, eps);
}

AVOCADO_FMA_CLONES void backward_rows(const float* x, const float* w, const float* inv_rms,
                                      const float* dy, float* dx, int64_t rows, int64_t cols,
                                      bool add) {
  reference::rms_norm_backward_rows(x, w, inv_rms, dy, dx, rows, cols, add);
}

AVOCADO_FMA_CLONES void backward_weight(const float* x, const float* inv_rms, const float* dy,
                                        float* dw, int64_t rows, int64_t cols, int64_t begin,
                                        int64_t end) {
  reference::rms_norm_backward_weight(x, inv_rms, dy, dw, rows, cols, begin, end);
}

using Forward = decltype(forward_rows);
using Backward = decltype(backward_rows);
using BackwardWeight = decltype(backward_weight);

// Columns of dw one task owns: whole cache lines, and few enough to stay in registers.
constexpr int64_t kStrip = 64;

}  // namespace

AVOCADO_IMPLEMENTATIONS(kForward, "rms_norm", rms_norm_rows, Forward, forward_rows)
AVOCADO_IMPLEMENTATIONS(kBackward, "rms_norm_backward", rms_norm_backward_rows, Backward,
                        backward_rows)
AVOCADO_IMPLEMENTATIONS(kBackwardWeight, "rms_norm_backward_weight", rms_norm_backward_weight,
                        BackwardWeight, backward_weight)

template <>
void rms_norm(ThreadPool& pool, const float* x, const float* w, float* y, float* inv_rms,
              int64_t rows, int64_t cols, double eps) {
  Forward* run = kForward.pick();
  pool.run_chunks(rows, rows_per_task(cols), [&](int64_t r, int64_t end) {
    run(x + r * cols, w, y + r * cols, inv_rms ? inv_rms + r : nullptr, end - r, cols,
        static_cast<float>(eps));
  });
}

template <>
void rms_norm_backward(ThreadPool& pool, const float* x, const float* w, const float* inv_rms,
                       const float* dy, float* dx, float* dw, int64_t rows, int64_t cols,
                       bool add) {
  // dw first: dx may overwrite dy.
  BackwardWeight* run_weight = kBackwardWeight.pick();
  if (dw)
    pool.run_chunks(cols, kStrip, [&](int64_t begin, int64_t end) {
      run_weight(x, inv_rms, dy, dw, rows, cols, begin, end);
    });
  Backward* run = kBackward.pick();
  pool.run_chunks(rows, rows_per_task(cols), [&](int64_t r, int64_t end) {
    const int64_t at = r * cols;
    run(x + at, w, inv_rms + r, dy + at, dx + at, end - r, cols, add);
  });
}

template <>
void rms_norm(ThreadPool&, const double* x, const double* w, double* y, double* inv_rms,
              int64_t rows, int64_t cols, double eps) {
  reference::rms_norm_rows(x, w, y, inv_rms, rows, cols, eps);
}

template <>
void rms_norm_backward(ThreadPool&, const double* x, const double* w, const double* inv_rms,
                       const double* dy, double* dx, double* dw, int64_t rows, int64_t cols,
                       bool add) {
  if (dw) reference::rms_norm_backward_weight(x, inv_rms, dy, dw, rows, cols, int64_t{0}, cols);
  reference::rms_norm_backward_rows(x, w, inv_rms, dy, dx, rows, cols, add);
}

}  // namespace avocado::kernels
