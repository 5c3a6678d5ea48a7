#pragma once
// sgd: one step of gradient descent with momentum (Polyak's, or Nesterov's as Sutskever et al., "On
// the importance of initialization and momentum in deep learning", 2013, write it) and decoupled
// weight decay, the gradient scaled by `grad_scale` on the way in. Elementwise: the caller divides
// the work.
//
// ORDER OF ROUNDING, per element:
//   g = grad * grad_scale
//   m = fma(momentum, m, g)                     update = nesterov ? fma(momentum, m, g) : m
//   p = fma(-lr, fma(weight_decay, p, update), p)
// `m` may be null: then update = g.

#include <cstdint>

#include "kernels/sgd/step.h"

namespace avocado::kernels {

void sgd(float* p, const float* grad, float* m, int64_t count, const SgdStep& step);

}  // namespace avocado::kernels
