#include "kernels/adamw/step.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

void adamw_range(float* p, const float* grad, float* m, float* v, int64_t count,
                 const AdamwStep& step) {
  const F32x16 beta1 = splat(step.beta1), rest1 = splat(1.0f - step.beta1);
  const F32x16 beta2 = splat(step.beta2), rest2 = splat(1.0f - step.beta2);
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    const F32x16 g = load_some(grad + i, n) * splat(step.grad_scale);
    const F32x16 mean = fma(beta1, load_some(m + i, n), rest1 * g);
    const F32x16 square = fma(beta2, load_some(v + i, n), (rest2 * g) * g);
    const F32x16 update = (mean * splat(step.m_correction)) /
                          (sqrt(square * splat(step.v_correction)) + splat(step.eps));
    const F32x16 old = load_some(p + i, n);
    store_some(m + i, mean, n);
    store_some(v + i, square, n);
    store_some(p + i, fma(splat(-step.lr), fma(splat(step.weight_decay), old, update), old), n);
  }
}

double sum_squares_chunk(const float* x, int64_t count) {
  F64x16 sums = zero64();
  // A tail's missing lanes add 0 * 0 to a lane that is never -0: no change.
  for (int64_t i = 0; i < count; i += kLanes)
    sums = add_squares(sums, load_some(x + i, lanes_left(count - i)));
  return sum(sums);
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
