#pragma once
// adamw: one step of AdamW (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019)
// with the gradient scaled by `grad_scale` (1 / count of loss tokens, clipping) on the way in.
//
// ORDER OF ROUNDING, per element:
//   g = grad * grad_scale
//   m = fma(beta1, m, (1 - beta1) * g)          v = fma(beta2, v, ((1 - beta2) * g) * g)
//   update = (m * m_correction) / (sqrt(v * v_correction) + eps)
//   p = p - lr * fma(weight_decay, p, update), as p = fma(-lr, fma(weight_decay, p, update), p)
// m_correction = 1 / (1 - beta1^step) and v_correction likewise are computed by the caller in
// double and rounded to float.

#include <cstdint>

#include "base/thread_pool.h"
#include "kernels/adamw/step.h"

namespace avocado::kernels {

// Elementwise: the caller divides the work.
void adamw(float* p, const float* grad, float* m, float* v, int64_t count, const AdamwStep& step);

// Sum of squares in double: chunks of 4096 elements; in a chunk 16 double lanes, lane i mod 16,
// each x widened then one FMA, tree 16 -> 8 -> 4 -> 2 -> 1; chunks are added ascending.
double sum_squares(ThreadPool& pool, const float* x, int64_t count);

}  // namespace avocado::kernels
