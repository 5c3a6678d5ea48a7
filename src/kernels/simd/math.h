#pragma once
// The functions of kernels/math on 16 lanes: the same steps as math.cc, so the same bits.

#include "kernels/math/constants.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

// e^x where x is known to be at most 88, or NaN.
AVOCADO_LANES F32x16 exp_bounded(F32x16 x) {
  using namespace constants;
  const F32x16 n = fma(x, splat(kLog2E), splat(kRound)) - splat(kRound);
  const F32x16 r = fma(n, splat(-kLn2Low), fma(n, splat(-kLn2High), x));
  F32x16 p = splat(kExp[5]);
  for (int i = 4; i >= 0; --i) p = fma(p, r, splat(kExp[i]));
  p = fma(p * r, r, r) + splat(1.0f);
  return select(x < splat(kExpMin), splat(0.0f), times_two_to(p, n));
}

AVOCADO_LANES F32x16 exp(F32x16 x) {
  return select(splat(constants::kExpMax) < x, splat(__builtin_inff()), exp_bounded(x));
}

AVOCADO_LANES F32x16 log(F32x16 x) {
  using namespace constants;
  const M16 tiny = x < splat(__FLT_MIN__);
  const I32x16 start = splat_int(kSqrtHalfBits);
  const I32x16 b = bits(select(tiny, x * splat(kTwo23), x)) - start;
  const F32x16 e = to_float(shift_right_23(b)) - select(tiny, splat(23.0f), splat(0.0f));
  const F32x16 f = from_bits((b & splat_int(0x7fffff)) + start) - splat(1.0f);
  const F32x16 z = f * f;
  F32x16 p = splat(kLog[8]);
  for (int i = 7; i >= 0; --i) p = fma(p, f, splat(kLog[i]));
  p = fma(e, splat(kLn2Low), p * (z * f));
  p = fma(z, splat(-0.5f), p) + f;
  F32x16 y = fma(e, splat(kLn2High), p);
  const F32x16 inf = splat(__builtin_inff()), zero = splat(0.0f);
  y = select(x < inf, y, x);  // +inf, NaN
  y = select(x < zero, splat(__builtin_nanf("")), y);
  return select(x != zero, y, negate(inf));
}

AVOCADO_LANES F32x16 sigmoid(F32x16 x) { return splat(1.0f) / (splat(1.0f) + exp(negate(x))); }

AVOCADO_LANES F32x16 tanh(F32x16 x) {
  using namespace constants;
  const F32x16 a = from_bits(bits(x) & splat_int(INT32_MAX));
  const F32x16 z = a * a;
  F32x16 p = splat(kTanh[5]);
  for (int i = 4; i >= 0; --i) p = fma(p, z, splat(kTanh[i]));
  const F32x16 small = fma(a * z, p, a);
  const F32x16 large = splat(1.0f) - splat(2.0f) / (exp(a + a) + splat(1.0f));
  const I32x16 sign = bits(x) & splat_int(INT32_MIN);
  const F32x16 y = select(a < splat(kTanhSplit), small, large);
  return from_bits(bits(y) ^ sign);
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
