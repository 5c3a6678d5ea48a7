#pragma once
// lion: one step of Lion (Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023) with
// the gradient scaled by `grad_scale` on the way in. Elementwise: the caller divides the work.
//
// ORDER OF ROUNDING, per element:
//   g = grad * grad_scale
//   c = fma(beta1, m, (1 - beta1) * g)          update = 1 if c > 0, -1 if c < 0, else 0
//   m = fma(beta2, m, (1 - beta2) * g)
//   p = fma(-lr, fma(weight_decay, p, update), p)

#include <cstdint>

#include "kernels/lion/step.h"

namespace avocado::kernels {

void lion(float* p, const float* grad, float* m, int64_t count, const LionStep& step);

}  // namespace avocado::kernels
