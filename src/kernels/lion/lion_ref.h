#pragma once
// The definition of lion in plain scalar code.

#include "kernels/lion/lion.h"
#include "kernels/reference.h"

namespace avocado::kernels::reference {

inline void lion(float* p, const float* grad, float* m, int64_t count, const LionStep& step) {
  const float rest1 = 1.0f - step.beta1, rest2 = 1.0f - step.beta2;
  for (int64_t i = 0; i < count; ++i) {
    const float g = grad[i] * step.grad_scale;
    const float c = std::fma(step.beta1, m[i], rest1 * g);
    const float update = c > 0 ? 1.0f : c < 0 ? -1.0f : 0.0f;
    m[i] = std::fma(step.beta2, m[i], rest2 * g);
    p[i] = std::fma(-step.lr, std::fma(step.weight_decay, p[i], update), p[i]);
  }
}

}  // namespace avocado::kernels::reference
