#include "kernels/block8/code.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

// Adding this to a number below 2^22 rounds it to a whole number, which then stands in the low
// bits.
constexpr float kWhole = 0x1.8p23f;

AVOCADO_LANES F32x16 magnitude(F32x16 x) { return from_bits(bits(x) & splat_int(INT32_MAX)); }

AVOCADO_LANES I32x16 encode_lanes(Code8 code, F32x16 x, F32x16 divisor) {
  const F32x16 zero = splat(0);
  if (code == Code8::signed_square) {
    const F32x16 most = splat(127);
    F32x16 r = sqrt(magnitude(x) / divisor) * most;
    r = select(r < most, r, most);
    return bits(select(x < zero, negate(r), r) + splat(kWhole));
  }
  const F32x16 most = splat(255);
  F32x16 r = sqrt(sqrt(x / divisor)) * most;
  r = select(r < most, r, most);
  return bits(max(r, select(zero < x, splat(1), zero)) + splat(kWhole));
}

AVOCADO_LANES F32x16 decode_lanes(Code8 code, const uint8_t* codes, F32x16 scale) {
  const F32x16 c = load_int8(reinterpret_cast<const int8_t*>(codes));
  if (code == Code8::signed_square) return (c * magnitude(c)) * scale;
  const F32x16 u = select(c < splat(0), c + splat(256), c);  // the byte without a sign
  return ((u * u) * (u * u)) * scale;
}

}  // namespace

void encode8_range(Code8 code, const float* x, uint8_t* codes, float* scales, int64_t count) {
  for (int64_t begin = 0; begin < count; begin += kBlock8) {
    const int64_t end = count - begin < kBlock8 ? count : begin + kBlock8;
    F32x16 largest = splat(0);
    for (int64_t i = begin; i < end; i += kLanes)
      largest = max(magnitude(load_some(x + i, lanes_left(end - i))), largest);
    const float scale = max_lanes(largest);
    scales[begin / kBlock8] = scale;
    const F32x16 divisor = splat(scale > 0 ? scale : 1.0f);
    for (int64_t i = begin; i < end; i += kLanes) {
      const int n = lanes_left(end - i);
      const I32x16 c = encode_lanes(code, load_some(x + i, n), divisor);
      if (n == kLanes) {
        store_low_bytes(codes + i, c);
        continue;
      }
      uint8_t some[kLanes];
      store_low_bytes(some, c);
      for (int j = 0; j < n; ++j) codes[i + j] = some[j];
    }
  }
}

void decode8_range(Code8 code, const uint8_t* codes, const float* scales, float* x, int64_t count) {
  const float unit = code == Code8::signed_square ? 1.0f / 16129.0f : 1.0f / 4228250625.0f;
  for (int64_t i = 0; i < count; i += kLanes) {
    const F32x16 scale = splat(scales[i / kBlock8] * unit);
    const int n = lanes_left(count - i);
    if (n == kLanes) {
      store(x + i, decode_lanes(code, codes + i, scale));
      continue;
    }
    uint8_t some[kLanes] = {};
    for (int j = 0; j < n; ++j) some[j] = codes[i + j];
    store_n(x + i, decode_lanes(code, some, scale), n);
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
