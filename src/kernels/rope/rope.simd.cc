#include "kernels/rope/style.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

// Pairs lie side by side: a' = fma(a, cos, -(b sin)) in even lanes, b' = fma(b, cos, a sin) in odd.
AVOCADO_LANES void turn_pairs(const float* x, const float* cos_sin, float* y, int64_t rope_dim,
                              I32x16 flip) {
  for (int64_t i = 0; i < rope_dim; i += kLanes) {
    const int n = lanes_left(rope_dim - i);
    const F32x16 v = load_some(x + i, n), turn = load_some(cos_sin + i, n);
    const F32x16 cross = exchange<1>(v) * odd_twice(turn);
    store_some(y + i, fma(v, even_twice(turn), from_bits(bits(cross) ^ flip)), n);
  }
}

AVOCADO_LANES void turn_halves(const float* x, const float* cos_sin, float* y, int64_t half,
                               I32x16 flip) {
  for (int64_t i = 0; i < half; i += kLanes) {
    const int n = lanes_left(half - i);
    const int low_n = 2 * n < kLanes ? 2 * n : kLanes;
    const F32x16 low = load_some(cos_sin + 2 * i, low_n);
    const F32x16 high =
        2 * n > kLanes ? load_some(cos_sin + 2 * i + kLanes, 2 * n - kLanes) : splat(0.0f);
    F32x16 cosine, sine;
    unzip(low, high, &cosine, &sine);
    sine = from_bits(bits(sine) ^ flip);
    const F32x16 a = load_some(x + i, n), b = load_some(x + half + i, n);
    store_some(y + i, fma(a, cosine, negate(b * sine)), n);
    store_some(y + half + i, fma(b, cosine, a * sine), n);
  }
}

}  // namespace

void rope_rows(const float* x, const float* cos_sin, float* y, int64_t n, int64_t heads,
               int64_t head_dim, int64_t rope_dim, RopeStyle style, bool inverse) {
  const bool pairs = style == RopeStyle::pairs;
  // The sign bits to turn: of the even products b sin when forwards, of every sin's when backwards.
  const I32x16 flip = !pairs    ? splat_int(inverse ? INT32_MIN : 0)
                      : inverse ? bits(alternate(0.0f, -0.0f))
                                : bits(alternate(-0.0f, 0.0f));
  for (int64_t r = 0; r < n; ++r, cos_sin += rope_dim) {
    for (int64_t h = 0; h < heads; ++h, x += head_dim, y += head_dim) {
      if (pairs) {
        turn_pairs(x, cos_sin, y, rope_dim, flip);
      } else {
        turn_halves(x, cos_sin, y, rope_dim / 2, flip);
      }
      for (int64_t i = rope_dim; i < head_dim; ++i) y[i] = x[i];
    }
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
