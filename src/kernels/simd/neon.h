#pragma once
// 16 float lanes as four NEON registers. See simd.h for what each function does.

#include <arm_neon.h>

namespace avocado::kernels::AVOCADO_ISA_NS {

struct F32x16 {
  float32x4_t v[4];
};
struct I32x16 {
  int32x4_t v[4];
};
struct M16 {
  uint32x4_t v[4];  // all bits of a chosen lane are set
};
struct F64x16 {
  float64x2_t v[8];
};

// One instruction on each of the four registers of a.
#define AVOCADO_EACH(Type, expression)                      \
  do {                                                      \
    Type result;                                            \
    for (int i = 0; i < 4; ++i) result.v[i] = (expression); \
    return result;                                          \
  } while (false)

AVOCADO_LANES F32x16 splat(float x) { AVOCADO_EACH(F32x16, vdupq_n_f32(x)); }
AVOCADO_LANES F32x16 load(const float* p) { AVOCADO_EACH(F32x16, vld1q_f32(p + 4 * i)); }
AVOCADO_LANES void store(float* p, F32x16 x) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
}
AVOCADO_LANES M16 first_n(int n) {
  const int32_t first[4] = {0, 1, 2, 3};
  const int32x4_t lane = vld1q_s32(first);
  AVOCADO_EACH(M16, vcgtq_s32(vdupq_n_s32(n - 4 * i), lane));
}
AVOCADO_LANES F32x16 load_n(const float* p, int n) {
  float lanes[16] = {};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
AVOCADO_LANES void store_n(float* p, F32x16 x, int n) {
  float lanes[16];
  store(lanes, x);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
}

AVOCADO_LANES F32x16 operator+(F32x16 a, F32x16 b) {
  AVOCADO_EACH(F32x16, vaddq_f32(a.v[i], b.v[i]));
}
AVOCADO_LANES F32x16 operator-(F32x16 a, F32x16 b) {
  AVOCADO_EACH(F32x16, vsubq_f32(a.v[i], b.v[i]));
}
AVOCADO_LANES F32x16 operator*(F32x16 a, F32x16 b) {
  AVOCADO_EACH(F32x16, vmulq_f32(a.v[i], b.v[i]));
}
AVOCADO_LANES F32x16 operator/(F32x16 a, F32x16 b) {
  AVOCADO_EACH(F32x16, vdivq_f32(a.v[i], b.v[i]));
}
AVOCADO_LANES F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  AVOCADO_EACH(F32x16, vfmaq_f32(c.v[i], a.v[i], b.v[i]));
}
AVOCADO_LANES F32x16 sqrt(F32x16 a) { AVOCADO_EACH(F32x16, vsqrtq_f32(a.v[i])); }
AVOCADO_LANES F32x16 max(F32x16 a, F32x16 b) {
  AVOCADO_EACH(F32x16, vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]));
}
AVOCADO_LANES M16 operator<(F32x16 a, F32x16 b) { AVOCADO_EACH(M16, vcltq_f32(a.v[i], b.v[i])); }
AVOCADO_LANES M16 operator!=(F32x16 a, F32x16 b) {
  AVOCADO_EACH(M16, vmvnq_u32(vceqq_f32(a.v[i], b.v[i])));
}
AVOCADO_LANES F32x16 select(M16 m, F32x16 a, F32x16 b) {
  AVOCADO_EACH(F32x16, vbslq_f32(m.v[i], a.v[i], b.v[i]));
}

AVOCADO_LANES I32x16 splat_int(int x) { AVOCADO_EACH(I32x16, vdupq_n_s32(x)); }
AVOCADO_LANES I32x16 bits(F32x16 a) { AVOCADO_EACH(I32x16, vreinterpretq_s32_f32(a.v[i])); }
AVOCADO_LANES F32x16 from_bits(I32x16 a) { AVOCADO_EACH(F32x16, vreinterpretq_f32_s32(a.v[i])); }
AVOCADO_LANES F32x16 to_float(I32x16 a) { AVOCADO_EACH(F32x16, vcvtq_f32_s32(a.v[i])); }
AVOCADO_LANES I32x16 operator+(I32x16 a, I32x16 b) {
  AVOCADO_EACH(I32x16, vaddq_s32(a.v[i], b.v[i]));
}
AVOCADO_LANES I32x16 operator-(I32x16 a, I32x16 b) {
  AVOCADO_EACH(I32x16, vsubq_s32(a.v[i], b.v[i]));
}
AVOCADO_LANES I32x16 operator&(I32x16 a, I32x16 b) {
  AVOCADO_EACH(I32x16, vandq_s32(a.v[i], b.v[i]));
}
AVOCADO_LANES I32x16 operator^(I32x16 a, I32x16 b) {
  AVOCADO_EACH(I32x16, veorq_s32(a.v[i], b.v[i]));
}
AVOCADO_LANES I32x16 shift_left_23(I32x16 a) { AVOCADO_EACH(I32x16, vshlq_n_s32(a.v[i], 23)); }
AVOCADO_LANES I32x16 shift_right_23(I32x16 a) { AVOCADO_EACH(I32x16, vshrq_n_s32(a.v[i], 23)); }

template <int h>
AVOCADO_LANES F32x16 exchange(F32x16 a) {
  if constexpr (h == 1) AVOCADO_EACH(F32x16, vrev64q_f32(a.v[i]));
  if constexpr (h == 2) AVOCADO_EACH(F32x16, vextq_f32(a.v[i], a.v[i], 2));
  AVOCADO_EACH(F32x16, a.v[i ^ (h / 4)]);
}
AVOCADO_LANES F32x16 even_twice(F32x16 a) { AVOCADO_EACH(F32x16, vtrn1q_f32(a.v[i], a.v[i])); }
AVOCADO_LANES F32x16 odd_twice(F32x16 a) { AVOCADO_EACH(F32x16, vtrn2q_f32(a.v[i], a.v[i])); }
AVOCADO_LANES F32x16 alternate(float even, float odd) {
  AVOCADO_EACH(F32x16, ((void)i, vtrn1q_f32(vdupq_n_f32(even), vdupq_n_f32(odd))));
}
AVOCADO_LANES void unzip(F32x16 low, F32x16 high, F32x16* even, F32x16* odd) {
  for (int i = 0; i < 2; ++i) {
    even->v[i] = vuzp1q_f32(low.v[2 * i], low.v[2 * i + 1]);
    odd->v[i] = vuzp2q_f32(low.v[2 * i], low.v[2 * i + 1]);
    even->v[2 + i] = vuzp1q_f32(high.v[2 * i], high.v[2 * i + 1]);
    odd->v[2 + i] = vuzp2q_f32(high.v[2 * i], high.v[2 * i + 1]);
  }
}

AVOCADO_LANES float sum(F32x16 a) {
  const float32x4_t h4 = vaddq_f32(vaddq_f32(a.v[0], a.v[2]), vaddq_f32(a.v[1], a.v[3]));
  const float32x2_t h2 = vadd_f32(vget_low_f32(h4), vget_high_f32(h4));
  return vget_lane_f32(h2, 0) + vget_lane_f32(h2, 1);
}

AVOCADO_LANES F32x16 times_two_to(F32x16 x, F32x16 n) {
  // A NaN converts to 0, an infinity to a limit that is shifted out.
  AVOCADO_EACH(F32x16, vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x.v[i]),
                                                       vshlq_n_s32(vcvtq_s32_f32(n.v[i]), 23))));
}

AVOCADO_LANES F32x16 load_f16(const uint16_t* p) {
  AVOCADO_EACH(F32x16, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))));
}
AVOCADO_LANES void store_f16(uint16_t* p, F32x16 x) {
  for (int i = 0; i < 4; ++i) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(x.v[i])));
}
AVOCADO_LANES F32x16 load_bf16(const uint16_t* p) {
  AVOCADO_EACH(F32x16, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)));
}
AVOCADO_LANES F32x16 widen_int8(int8x16_t bytes) {
  const int16x8_t half[2] = {vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes))};
  AVOCADO_EACH(F32x16, vcvtq_f32_s32(vmovl_s16(i % 2 == 0 ? vget_low_s16(half[i / 2])
                                                          : vget_high_s16(half[i / 2]))));
}
AVOCADO_LANES F32x16 load_int8(const int8_t* p) { return widen_int8(vld1q_s8(p)); }
AVOCADO_LANES void store_low_bytes(uint8_t* p, I32x16 a) {
  const int16x8_t low = vcombine_s16(vmovn_s32(a.v[0]), vmovn_s32(a.v[1]));
  const int16x8_t high = vcombine_s16(vmovn_s32(a.v[2]), vmovn_s32(a.v[3]));
  vst1q_u8(p, vreinterpretq_u8_s8(vcombine_s8(vmovn_s16(low), vmovn_s16(high))));
}
AVOCADO_LANES void load_nibbles(const uint8_t* p, F32x16* low, F32x16* high) {
  const uint8x16_t bytes = vld1q_u8(p);
  const int8x16_t eight = vdupq_n_s8(8);
  *low = widen_int8(vsubq_s8(vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15))), eight));
  *high = widen_int8(vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4)), eight));
}

AVOCADO_LANES F64x16 zero64() {
  F64x16 result;
  for (int i = 0; i < 8; ++i) result.v[i] = vdupq_n_f64(0);
  return result;
}
AVOCADO_LANES F64x16 add_squares(F64x16 sums, F32x16 x) {
  for (int i = 0; i < 4; ++i) {
    const float64x2_t low = vcvt_f64_f32(vget_low_f32(x.v[i]));
    const float64x2_t high = vcvt_high_f64_f32(x.v[i]);
    sums.v[2 * i] = vfmaq_f64(sums.v[2 * i], low, low);
    sums.v[2 * i + 1] = vfmaq_f64(sums.v[2 * i + 1], high, high);
  }
  return sums;
}
AVOCADO_LANES double sum(F64x16 a) {
  for (int half = 4; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) a.v[i] = vaddq_f64(a.v[i], a.v[i + half]);
  return vgetq_lane_f64(a.v[0], 0) + vgetq_lane_f64(a.v[0], 1);
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
