#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

// All bits but the sign are zero; that is set in the lanes i with i & h.
template <int h>
AVOCADO_LANES I32x16 upper_signs() {
  float lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = i & h ? -0.0f : 0.0f;
  return bits(load(lanes));
}

// The stage h within 16 lanes. a + b in the lane of a; in that of b, a + (-b).
template <int h>
AVOCADO_LANES F32x16 stage(F32x16 x, I32x16 signs) {
  return exchange<h>(x) + from_bits(bits(x) ^ signs);
}

}  // namespace

void hadamard_blocks(const float* x, float* y, int64_t blocks, int64_t n, float scale) {
  const I32x16 signs1 = upper_signs<1>(), signs2 = upper_signs<2>();
  const I32x16 signs4 = upper_signs<4>(), signs8 = upper_signs<8>();
  // Blocks of less than 16 elements go together, as many as fill the lanes.
  const int64_t count = blocks * n, step = n > kLanes ? n : kLanes;
  for (int64_t begin = 0; begin < count; begin += step) {
    const int64_t end = begin + step < count ? begin + step : count;
    for (int64_t i = begin; i < end; i += kLanes) {
      const int left = lanes_left(end - i);
      F32x16 v = load_some(x + i, left);
      if (n > 1) v = stage<1>(v, signs1);
      if (n > 2) v = stage<2>(v, signs2);
      if (n > 4) v = stage<4>(v, signs4);
      if (n > 8) v = stage<8>(v, signs8);
      if (n <= kLanes) v = v * splat(scale);
      store_some(y + i, v, left);
    }
    for (int64_t h = kLanes; h < n; h *= 2) {
      const F32x16 factor = splat(2 * h == n ? scale : 1.0f);  // in the last stage
      for (int64_t i = begin; i < end; i += kLanes) {
        if (((i - begin) & h) != 0) continue;
        const F32x16 a = load(y + i), b = load(y + i + h);
        store(y + i, (a + b) * factor);
        store(y + i + h, (a - b) * factor);
      }
    }
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
