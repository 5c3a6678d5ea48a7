#pragma once
// The two parts of a step of Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural
// networks", 2024): momentum, and the orthogonal matrix near its direction by Newton-Schulz.
//
// ORDER OF ROUNDING. Products and sums below are separate roundings, in the order written.
//   direction:  g = grad * grad_scale;  m = momentum * m + g;  x = nesterov ? momentum * m + g : m
//   orthogonalise X [rows, cols]:
//     X = X * f32(1 / (sqrt(sum_squares(X)) + 1e-7)), the factor in double
//     five times, with (a, b, c) = (3.4445, -4.7750, 2.0315) in f32:
//       rows <= cols:  A = X X^T, B = b * A + c * (A A), X = a * X + B X
//       rows >  cols:  A = X^T X, B = b * A + c * (A A), X = a * X + X B
//   Products of matrices are chains of kernels/linear: one FMA per k, k ascending, from zero; those
//   with B start at a * X.
// The coefficients make small singular values grow fast and leave all of them near 1 (about 0.7 to
// 1.2), not at it; that is the authors' choice, and enough.

#include <cstdint>

#include "base/thread_pool.h"
#include "tensor/buffer.h"

namespace avocado::kernels {

struct MuonMomentum {
  float momentum, grad_scale;
  bool nesterov;
};

// Elementwise: the caller divides the work.
void muon_direction(float* x, const float* grad, float* m, int64_t count, const MuonMomentum& step);

// Replaces x [rows, cols]. `scratch` grows to one matrix of that size and two of the smaller side.
void orthogonalise(ThreadPool& pool, float* x, int64_t rows, int64_t cols, Buffer<float>& scratch);

}  // namespace avocado::kernels
