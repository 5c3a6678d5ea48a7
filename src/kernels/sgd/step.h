#pragma once
// Apart from sgd.h because the SIMD body needs it and may not see the standard library.

namespace avocado::kernels {

struct SgdStep {
  float lr, momentum, weight_decay, grad_scale;
  bool nesterov;
};

}  // namespace avocado::kernels
