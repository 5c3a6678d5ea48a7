#pragma once
// Apart from lion.h because the SIMD body needs it and may not see the standard library.

namespace avocado::kernels {

struct LionStep {
  float lr, beta1, beta2, weight_decay, grad_scale;
};

}  // namespace avocado::kernels
