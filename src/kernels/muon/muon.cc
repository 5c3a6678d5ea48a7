#include "kernels/muon/muon.h"

#include <algorithm>
#include <cmath>

#include "kernels/adamw/adamw.h"
#include "kernels/implementations.h"
#include "kernels/linear/linear.h"

namespace avocado::kernels {
namespace {

constexpr int kIterations = 5;
constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;

// y = factor * x
void scale(ThreadPool& pool, const float* x, float factor, float* y, int64_t count) {
  pool.run_chunks(count, kElementsPerTask, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = factor * x[i];
  });
}

// y = b * x + c * y
void combine(ThreadPool& pool, const float* x, float* y, int64_t count) {
  pool.run_chunks(count, kElementsPerTask, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = kB * x[i] + kC * y[i];
  });
}

}  // namespace

void muon_direction(float* x, const float* grad, float* m, int64_t count,
                    const MuonMomentum& step) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = grad[i] * step.grad_scale;
    m[i] = step.momentum * m[i] + g;
    x[i] = step.nesterov ? step.momentum * m[i] + g : m[i];
  }
}

void orthogonalise(ThreadPool& pool, float* x, int64_t rows, int64_t cols, Buffer<float>& scratch) {
  const int64_t count = rows * cols, side = std::min(rows, cols), square = side * side;
  scratch.reserve(static_cast<size_t>(count + 2 * square));
  float *y = scratch.data(), *a = y + count, *b = a + square;
  const double norm = std::sqrt(sum_squares(pool, x, count));
  scale(pool, x, static_cast<float>(1.0 / (norm + 1e-7)), x, count);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    if (rows <= cols) {
      linear<float>(pool, x, x, nullptr, a, rows, rows, cols);
    } else {
      std::fill_n(a, square, 0.0f);
      linear_backward_weight<float>(pool, x, x, a, rows, cols, cols);
    }
    linear<float>(pool, a, a, nullptr, b, side, side, side);  // A is its own transpose, bit by bit
    combine(pool, a, b, square);
    scale(pool, x, kA, y, count);
    if (rows <= cols)
      linear_backward_input<float>(pool, b, x, y, rows, rows, cols, true);
    else
      linear_backward_input<float>(pool, x, b, y, rows, cols, cols, true);
    std::swap(x, y);
  }
  // After an odd number of turns the result lies in the scratch, and y is the caller's.
  static_assert(kIterations % 2 == 1);
  std::copy_n(x, count, y);
}

}  // namespace avocado::kernels
