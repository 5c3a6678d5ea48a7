#pragma once
// The definition of sgd in plain scalar code.

#include "kernels/reference.h"
#include "kernels/sgd/sgd.h"

namespace avocado::kernels::reference {

inline void sgd(float* p, const float* grad, float* m, int64_t count, const SgdStep& step) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = grad[i] * step.grad_scale;
    float update = g;
    if (m) {
      m[i] = std::fma(step.momentum, m[i], g);
      update = step.nesterov ? std::fma(step.momentum, m[i], g) : m[i];
    }
    p[i] = std::fma(-step.lr, std::fma(step.weight_decay, p[i], update), p[i]);
  }
}

}  // namespace avocado::kernels::reference
