#include "kernels/lion/step.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

void lion_range(float* p, const float* grad, float* m, int64_t count, const LionStep& step) {
  const F32x16 beta1 = splat(step.beta1), rest1 = splat(1.0f - step.beta1);
  const F32x16 beta2 = splat(step.beta2), rest2 = splat(1.0f - step.beta2);
  const F32x16 zero = splat(0);
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    const F32x16 g = load_some(grad + i, n) * splat(step.grad_scale);
    const F32x16 mean = load_some(m + i, n), old = load_some(p + i, n);
    const F32x16 c = fma(beta1, mean, rest1 * g);
    const F32x16 update = select(zero < c, splat(1), select(c < zero, splat(-1), zero));
    store_some(m + i, fma(beta2, mean, rest2 * g), n);
    store_some(p + i, fma(splat(-step.lr), fma(splat(step.weight_decay), old, update), old), n);
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
