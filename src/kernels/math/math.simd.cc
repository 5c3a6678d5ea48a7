#include "kernels/simd/math.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

void exp_range(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    store_some(y + i, exp(load_some(x + i, n)), n);
  }
}

void log_range(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    store_some(y + i, log(load_some(x + i, n)), n);
  }
}

void sigmoid_range(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    store_some(y + i, sigmoid(load_some(x + i, n)), n);
  }
}

void tanh_range(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int n = lanes_left(count - i);
    store_some(y + i, tanh(load_some(x + i, n)), n);
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
