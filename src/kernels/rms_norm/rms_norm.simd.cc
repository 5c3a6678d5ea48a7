#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

// A row's sum is one chain of 16 lanes; this many rows are summed side by side to hide its latency.
constexpr int kRows = 4;

// inv[0 .. rows) of `rows` <= kRows rows.
template <int rows>
AVOCADO_LANES void inverse_rms(const float* x, int64_t cols, float eps, float* inv) {
  F32x16 sums[rows];
  for (int r = 0; r < rows; ++r) sums[r] = splat(0.0f);
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int n = lanes_left(cols - c);
    for (int r = 0; r < rows; ++r) {
      const F32x16 v = load_some(x + r * cols + c, n);
      sums[r] = replace_some(fma(v, v, sums[r]), sums[r], n);
    }
  }
  for (int r = 0; r < rows; ++r) {
    const F32x16 mean = splat(sum(sums[r])) / splat(static_cast<float>(cols));
    float lanes[kLanes];
    store(lanes, splat(1.0f) / sqrt(mean + splat(eps)));
    inv[r] = lanes[0];
  }
}

template <int rows>
AVOCADO_LANES void forward(const float* x, const float* w, float* y, float* inv_rms, int64_t cols,
                           float eps) {
  float inv[rows];
  inverse_rms<rows>(x, cols, eps, inv);
  for (int r = 0; r < rows; ++r, x += cols, y += cols) {
    for (int64_t c = 0; c < cols; c += kLanes) {
      const int n = lanes_left(cols - c);
      store_some(y + c, (load_some(x + c, n) * splat(inv[r])) * load_some(w + c, n), n);
    }
    if (inv_rms != nullptr) inv_rms[r] = inv[r];
  }
}

template <int rows>
AVOCADO_LANES void backward(const float* x, const float* w, const float* inv_rms, const float* dy,
                            float* dx, int64_t cols, bool add) {
  F32x16 sums[rows];
  for (int r = 0; r < rows; ++r) sums[r] = splat(0.0f);
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int n = lanes_left(cols - c);
    const F32x16 weight = load_some(w + c, n);
    for (int r = 0; r < rows; ++r) {
      const F32x16 g = load_some(dy + r * cols + c, n) * weight;
      sums[r] = replace_some(fma(g, load_some(x + r * cols + c, n), sums[r]), sums[r], n);
    }
  }
  for (int r = 0; r < rows; ++r, x += cols, dy += cols, dx += cols) {
    const F32x16 inv = splat(inv_rms[r]);
    const F32x16 k = (splat(sum(sums[r])) * (inv * inv)) / splat(static_cast<float>(cols));
    for (int64_t c = 0; c < cols; c += kLanes) {
      const int n = lanes_left(cols - c);
      const F32x16 g = load_some(dy + c, n) * load_some(w + c, n);
      const F32x16 v = inv * fma(negate(load_some(x + c, n)), k, g);
      store_some(dx + c, add ? load_some(dx + c, n) + v : v, n);
    }
  }
}

}  // namespace

void rms_norm_rows(const float* x, const float* w, float* y, float* inv_rms, int64_t rows,
                   int64_t cols, float eps) {
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    forward<kRows>(x + r * cols, w, y + r * cols, inv_rms != nullptr ? inv_rms + r : nullptr, cols,
                   eps);
  for (; r < rows; ++r)
    forward<1>(x + r * cols, w, y + r * cols, inv_rms != nullptr ? inv_rms + r : nullptr, cols,
               eps);
}

void rms_norm_backward_rows(const float* x, const float* w, const float* inv_rms, const float* dy,
                            float* dx, int64_t rows, int64_t cols, bool add) {
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    backward<kRows>(x + r * cols, w, inv_rms + r, dy + r * cols, dx + r * cols, cols, add);
  for (; r < rows; ++r)
    backward<1>(x + r * cols, w, inv_rms + r, dy + r * cols, dx + r * cols, cols, add);
}

void rms_norm_backward_weight(const float* x, const float* inv_rms, const float* dy, float* dw,
                              int64_t rows, int64_t cols, int64_t begin, int64_t end) {
  constexpr int kBlock = 4;  // vectors of dw kept in registers while the rows go by
  int64_t c = begin;
  for (; c + kBlock * kLanes <= end; c += kBlock * kLanes) {
    F32x16 sums[kBlock];
    for (int b = 0; b < kBlock; ++b) sums[b] = load(dw + c + b * kLanes);
    for (int64_t r = 0; r < rows; ++r) {
      const F32x16 inv = splat(inv_rms[r]);
      const float* xr = x + r * cols + c;
      const float* dyr = dy + r * cols + c;
      for (int b = 0; b < kBlock; ++b)
        sums[b] = fma(load(dyr + b * kLanes), load(xr + b * kLanes) * inv, sums[b]);
    }
    for (int b = 0; b < kBlock; ++b) store(dw + c + b * kLanes, sums[b]);
  }
  for (; c < end; c += kLanes) {
    const int n = lanes_left(end - c);
    F32x16 sums = load_some(dw + c, n);
    for (int64_t r = 0; r < rows; ++r)
      sums = fma(load_some(dy + r * cols + c, n),
                 load_some(x + r * cols + c, n) * splat(inv_rms[r]), sums);
    store_some(dw + c, sums, n);
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
