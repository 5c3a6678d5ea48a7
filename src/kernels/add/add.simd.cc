#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

void add_range(const float* a, const float* b, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    store_some(y + i, load_some(a + i, n) + load_some(b + i, n), n);
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
