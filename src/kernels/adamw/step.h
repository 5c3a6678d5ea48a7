#pragma once
// Apart from adamw.h because the SIMD body needs it and may not see the standard library.

namespace avocado::kernels {

struct AdamwStep {
  float lr, beta1, beta2, eps, weight_decay, m_correction, v_correction, grad_scale;
};

}  // namespace avocado::kernels
