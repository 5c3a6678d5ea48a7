#include "kernels/simd/math.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

AVOCADO_LANES void row(const float* x, int32_t target, float* loss, float* dx, int64_t cols,
                       float scale) {
  F32x16 m16 = splat(-__builtin_inff());
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int n = lanes_left(cols - c);
    m16 = max(replace_some(load_some(x + c, n), m16, n), m16);
  }
  const float m = max_lanes(m16);
  const float x_target = x[target];
  F32x16 sums = splat(0.0f);
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int n = lanes_left(cols - c);
    const F32x16 e = exp(load_some(x + c, n) - splat(m));
    sums = replace_some(sums + e, sums, n);
    if (dx != nullptr) store_some(dx + c, e, n);
  }
  const float s = sum(sums);
  float log_s[kLanes];
  store(log_s, log(splat(s)));
  *loss = (m - x_target) + log_s[0];
  if (dx == nullptr) return;
  const float e_target = dx[target];
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int n = lanes_left(cols - c);
    store_some(dx + c, (load_some(dx + c, n) / splat(s)) * splat(scale), n);
  }
  dx[target] = (e_target / s - 1.0f) * scale;
}

}  // namespace

void cross_entropy_rows(const float* logits, const int32_t* targets, float* loss, float* dlogits,
                        int64_t rows, int64_t cols, float scale, const float* row_scales) {
  for (int64_t r = 0; r < rows; ++r) {
    float* dx = dlogits != nullptr ? dlogits + r * cols : nullptr;
    if (targets[r] >= 0) {
      const float factor = row_scales != nullptr ? scale * row_scales[r] : scale;
      row(logits + r * cols, targets[r], loss + r, dx, cols, factor);
      continue;
    }
    loss[r] = 0;
    for (int64_t c = 0; dx != nullptr && c < cols; ++c) dx[c] = 0;
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
