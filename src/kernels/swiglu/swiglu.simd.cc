#include "kernels/simd/math.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

void swiglu_range(const float* gate, const float* up, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    const F32x16 g = load_some(gate + i, n);
    store_some(y + i, (g * sigmoid(g)) * load_some(up + i, n), n);
  }
}

void swiglu_backward_range(const float* gate, const float* up, const float* dy, float* dgate,
                           float* dup, int64_t count) {
  const F32x16 one = splat(1.0f);
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    const F32x16 g = load_some(gate + i, n), u = load_some(up + i, n), d = load_some(dy + i, n);
    const F32x16 s = sigmoid(g);
    store_some(dgate + i, (d * u) * (s * fma(g, one - s, one)), n);
    store_some(dup + i, d * (g * s), n);
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
