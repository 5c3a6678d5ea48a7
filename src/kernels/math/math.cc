#include "kernels/math/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/math/constants.h"
#include "kernels/reference.h"

// The order of operations here is the definition; simd/math.h repeats it on 16 lanes.

namespace avocado::kernels {

using namespace constants;

AVOCADO_FMA_CLONES float exp(float x) {
  if (x != x) return x;
  if (x < kExpMin) return 0.0f;
  if (x > kExpMax) return std::numeric_limits<float>::infinity();
  // x = n ln 2 + r with |r| <= ln 2 / 2; the low bits of t hold n.
  const float t = std::fma(x, kLog2E, kRound);
  const float n = t - kRound;
  const float r = std::fma(n, -kLn2Low, std::fma(n, -kLn2High, x));
  float p = kExp[5];
  for (int i = 4; i >= 0; --i) p = std::fma(p, r, kExp[i]);
  p = std::fma(p * r, r, r) + 1.0f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(p) + (std::bit_cast<uint32_t>(t) << 23));
}

AVOCADO_FMA_CLONES float log(float x) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  if (x == 0) return -kInf;
  if (!(x > 0)) return std::numeric_limits<float>::quiet_NaN();
  if (x == kInf) return x;
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)); subnormals are scaled up first.
  const bool tiny = x < std::numeric_limits<float>::min();
  const int32_t bits = std::bit_cast<int32_t>(tiny ? x * kTwo23 : x) - kSqrtHalfBits;
  const float e = static_cast<float>(bits >> 23) - (tiny ? 23.0f : 0.0f);
  const float f = std::bit_cast<float>((bits & 0x7fffff) + kSqrtHalfBits) - 1.0f;
  const float z = f * f;
  float p = kLog[8];
  for (int i = 7; i >= 0; --i) p = std::fma(p, f, kLog[i]);
  p = std::fma(e, kLn2Low, p * (z * f));
  p = std::fma(z, -0.5f, p) + f;
  return std::fma(e, kLn2High, p);
}

float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

AVOCADO_FMA_CLONES float tanh(float x) {
  const float a = std::fabs(x);
  if (!(a < kTanhSplit)) return std::copysign(1.0f - 2.0f / (exp(a + a) + 1.0f), x);
  const float z = a * a;
  float p = kTanh[5];
  for (int i = 4; i >= 0; --i) p = std::fma(p, z, kTanh[i]);
  return std::copysign(std::fma(a * z, p, a), x);
}

namespace {

struct Double2 {
  double high, low;
};

// e^(x + low), |low| far below |x|. The low part of the reduced argument is kept to the end.
double exp2parts(double x, double low) {
  if (x != x) return x;
  if (x < kExpMin64) return 0.0;
  if (x > kExpMax64) return std::numeric_limits<double>::infinity();
  const double t = std::fma(x, kLog2E64, kRound64);
  const double n = t - kRound64;
  const double high = std::fma(n, -kLn2High64, x);
  const double rest = std::fma(n, -kLn2Low64, low);
  const double r = high + rest;
  const double r_low = (high - r) + rest;
  double p = kExp64[10];
  for (int i = 9; i >= 0; --i) p = std::fma(p, r, kExp64[i]);
  p = std::fma(p * r, r, r_low);
  p = 1.0 + (r + p);
  return std::bit_cast<double>(std::bit_cast<uint64_t>(p) + (std::bit_cast<uint64_t>(t) << 52));
}

Double2 two_sum(double a, double b) {
  const double s = a + b;
  const double t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

// log(x) in two doubles, about 2^-65 absolute, for normal positive finite x.
Double2 log2parts(double x, int shift) {
  const int64_t bits = std::bit_cast<int64_t>(x) - kSqrtHalfBits64;
  const double e = static_cast<double>((bits >> 52) - shift);
  const double m = std::bit_cast<double>((bits & 0xfffffffffffff) + kSqrtHalfBits64);
  // log(m) = 2 s + s^3 R(s^2) with s = (m - 1) / (m + 1), s carried in two parts.
  const double f = m - 1.0;
  const Double2 d = two_sum(2.0, f);
  const double s = f / d.high;
  const double s_low = std::fma(-s, d.low, std::fma(-s, d.high, f)) / d.high;
  const double z = s * s;
  double p = kLog64[8];
  for (int i = 7; i >= 0; --i) p = std::fma(p, z, kLog64[i]);
  p = p * (z * s);
  const Double2 a = two_sum(e * kLn2High64, 2.0 * s);
  const Double2 b = two_sum(a.high, p);
  return two_sum(b.high, (b.low + a.low) + std::fma(e, kLn2Low64, 2.0 * s_low));
}

// Quadrant and reduced angle (two parts) of x; n * kHalfPi1 - x is exact for |x| < 2^30.
int reduce_angle(double x, Double2* r) {
  const double t = std::fma(x, kTwoOverPi, kRound64);
  const double n = t - kRound64;
  const double a = std::fma(-n, kHalfPi1, x);
  const double b = n * kHalfPi2;
  const double b_low = std::fma(n, kHalfPi2, -b);
  const Double2 c = two_sum(a, -b);
  *r = two_sum(c.high, c.low - std::fma(n, kHalfPi3, b_low));
  return static_cast<int>(std::bit_cast<uint64_t>(t) & 3);
}

double sin_reduced(Double2 r) {
  const double z = r.high * r.high;
  double p = kSin64[6];
  for (int i = 5; i >= 0; --i) p = std::fma(p, z, kSin64[i]);
  // sin(r + low) = sin r + low cos r.
  return r.high + std::fma(p, z * r.high, r.low * std::fma(z, -0.5, 1.0));
}

double cos_reduced(Double2 r) {
  const double z = r.high * r.high;
  double p = kCos64[6];
  for (int i = 5; i >= 0; --i) p = std::fma(p, z, kCos64[i]);
  const double half = 0.5 * z;
  const double one = 1.0 - half;
  const double z_low = std::fma(r.high, r.high, -z);
  const double rest = ((1.0 - one) - half) - std::fma(r.high, r.low, 0.5 * z_low);
  return one + std::fma(p * z, z, rest);
}

double turn(double x, int quarter) {
  if (!(std::fabs(x) < kMaxAngle)) return std::numeric_limits<double>::quiet_NaN();
  Double2 r;
  const int quadrant = (reduce_angle(x, &r) + quarter) & 3;
  if (quadrant == 0 && r.high == 0 && r.low == 0) return x;  // sin(-0) is -0
  const double value = (quadrant & 1) != 0 ? cos_reduced(r) : sin_reduced(r);
  return (quadrant & 2) != 0 ? -value : value;
}

}  // namespace

AVOCADO_FMA_CLONES double exp(double x) { return exp2parts(x, 0.0); }

AVOCADO_FMA_CLONES double log(double x) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (x == 0) return -kInf;
  if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (x == kInf) return x;
  const bool tiny = x < std::numeric_limits<double>::min();
  const Double2 value = log2parts(tiny ? x * 0x1p54 : x, tiny ? 54 : 0);
  return value.high + value.low;
}

AVOCADO_FMA_CLONES double sin(double x) { return turn(x, 0); }
AVOCADO_FMA_CLONES double cos(double x) { return turn(x, 1); }
AVOCADO_FMA_CLONES float sin(float x) { return static_cast<float>(turn(x, 0)); }
AVOCADO_FMA_CLONES float cos(float x) { return static_cast<float>(turn(x, 1)); }

AVOCADO_FMA_CLONES double pow(double base, double exponent) {
  if (exponent == 0 || base == 1) return 1.0;
  if (!(base > 0) || base == std::numeric_limits<double>::infinity())
    return base != base ? base : exp(exponent * log(base));
  const bool tiny = base < std::numeric_limits<double>::min();
  const Double2 l = log2parts(tiny ? base * 0x1p54 : base, tiny ? 54 : 0);
  const double high = exponent * l.high;
  if (!(std::fabs(high) < 2000.0)) return exp(high);
  return exp2parts(high, std::fma(exponent, l.low, std::fma(exponent, l.high, -high)));
}

}  // namespace avocado::kernels
