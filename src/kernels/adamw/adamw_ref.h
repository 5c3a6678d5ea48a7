#pragma once
// The definition of adamw and of sum_squares in plain scalar code.

#include "kernels/adamw/adamw.h"
#include "kernels/reference.h"

namespace avocado::kernels::reference {

inline void adamw(float* p, const float* grad, float* m, float* v, int64_t count,
                  const AdamwStep& step) {
  const float rest1 = 1.0f - step.beta1, rest2 = 1.0f - step.beta2;
  for (int64_t i = 0; i < count; ++i) {
    const float g = grad[i] * step.grad_scale;
    m[i] = std::fma(step.beta1, m[i], rest1 * g);
    v[i] = std::fma(step.beta2, v[i], (rest2 * g) * g);
    const float update =
        (m[i] * step.m_correction) / (std::sqrt(v[i] * step.v_correction) + step.eps);
    p[i] = std::fma(-step.lr, std::fma(step.weight_decay, p[i], update), p[i]);
  }
}

// One chunk of at most kSumChunk elements.
inline double sum_squares(const float* x, int64_t count) {
  double lanes[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) {
    const double wide = x[i];
    lanes[i % kLanes] = std::fma(wide, wide, lanes[i % kLanes]);
  }
  return sum_lanes(lanes);
}

}  // namespace avocado::kernels::reference
