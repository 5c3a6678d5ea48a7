#include "kernels/sgd/step.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

void sgd_range(float* p, const float* grad, float* m, int64_t count, const SgdStep& step) {
  const F32x16 momentum = splat(step.momentum);
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    const F32x16 g = load_some(grad + i, n) * splat(step.grad_scale);
    F32x16 update = g;
    if (m) {
      const F32x16 mean = fma(momentum, load_some(m + i, n), g);
      store_some(m + i, mean, n);
      update = step.nesterov ? fma(momentum, mean, g) : mean;
    }
    const F32x16 old = load_some(p + i, n);
    store_some(p + i, fma(splat(-step.lr), fma(splat(step.weight_decay), old, update), old), n);
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
