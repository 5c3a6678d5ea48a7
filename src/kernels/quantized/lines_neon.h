#pragma once
// A line as four NEON registers. See lines.h for what each function does.

namespace avocado::kernels::AVOCADO_ISA_NS {

struct Line {
  uint8x16_t v[4];
};

AVOCADO_LANES Line load_line(const uint8_t* p) { AVOCADO_EACH(Line, vld1q_u8(p + 16 * i)); }
AVOCADO_LANES Line load_plane(const uint8_t* p) { return load_line(p); }
template <class L>
AVOCADO_LANES Line load_table(const int8_t* p) {
  AVOCADO_EACH(Line, vreinterpretq_u8_s8(vld1q_s8(p + 0 * i)));
}
AVOCADO_LANES Line keep(Line a, int mask) {
  AVOCADO_EACH(Line, vandq_u8(a.v[i], vdupq_n_u8(static_cast<uint8_t>(mask))));
}
AVOCADO_LANES Line join(Line a, Line b) { AVOCADO_EACH(Line, vorrq_u8(a.v[i], b.v[i])); }
template <int n>
AVOCADO_LANES Line right(Line a) {
  if constexpr (n == 0)
    return a;
  else
    AVOCADO_EACH(Line, vshrq_n_u8(a.v[i], n));
}
template <int n>
AVOCADO_LANES Line left(Line a) {
  AVOCADO_EACH(Line, vshlq_n_u8(a.v[i], n));
}
AVOCADO_LANES Line look_up(Line table, Line a) {
  AVOCADO_EACH(Line, vqtbl1q_u8(table.v[i], a.v[i]));
}

template <class L>
constexpr bool kUnsigned = false;
template <class L>
AVOCADO_LANES Line prepare(Line a) {
  if constexpr (L::kTable)
    return a;
  else
    AVOCADO_EACH(Line, vsubq_u8(a.v[i], vdupq_n_u8(static_cast<uint8_t>(L::kBias))));
}
// What the assembler has to be told before an sdot.
#if defined(__ARM_FEATURE_DOTPROD)
#define AVOCADO_ARCH ""
#else
#define AVOCADO_ARCH ".arch armv8.2-a+dotprod\n\t"
#endif

// With instructions of every 64-bit Arm: widening products, then two pairwise sums. sdot is written
// in assembly because the intrinsic asks that the whole function be compiled for CPUs with it.
template <class L>
AVOCADO_LANES I32x16 dot(I32x16 sum, Line w, const int8_t* a) {
  if constexpr (kDot<L>) {
    const int32x4_t four = vdupq_n_s32(four_bytes(a));
    for (int i = 0; i < 4; ++i)
      __asm__(AVOCADO_ARCH "sdot %0.4s, %1.16b, %2.16b" : "+w"(sum.v[i]) : "w"(w.v[i]), "w"(four));
    return sum;
  }
  const int8x8_t x = vreinterpret_s8_s32(vdup_n_s32(four_bytes(a)));
  for (int i = 0; i < 4; ++i) {
    const int8x16_t values = vreinterpretq_s8_u8(w.v[i]);
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(values), x));
    const int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(values), x));
    sum.v[i] = vaddq_s32(sum.v[i], vpaddq_s32(low, high));
  }
  return sum;
}

AVOCADO_LANES F32x16 load_half(const uint8_t* p) {
  AVOCADO_EACH(F32x16, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p + 8 * i))));
}
AVOCADO_LANES F32x16 load_bfloat(const uint8_t* p) {
  AVOCADO_EACH(F32x16,
               vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p + 8 * i)), 16)));
}
AVOCADO_LANES I32x16 widen_bytes(int8x16_t x) {
  const int16x8_t low = vmovl_s8(vget_low_s8(x)), high = vmovl_s8(vget_high_s8(x));
  return {{vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)),
           vmovl_s16(vget_low_s16(high)), vmovl_s16(vget_high_s16(high))}};
}
AVOCADO_LANES I32x16 load_int8(const uint8_t* p) {
  return widen_bytes(vreinterpretq_s8_u8(vld1q_u8(p)));
}
AVOCADO_LANES I32x16 load_uint8(const uint8_t* p) {
  const I32x16 a = load_int8(p);
  AVOCADO_EACH(I32x16, vandq_s32(a.v[i], vdupq_n_s32(255)));
}
AVOCADO_LANES I32x16 load_low_nibbles(const uint8_t* p) {
  return widen_bytes(vreinterpretq_s8_u8(vandq_u8(vld1q_u8(p), vdupq_n_u8(15))));
}
AVOCADO_LANES I32x16 load_high_nibbles(const uint8_t* p) {
  return widen_bytes(vreinterpretq_s8_u8(vshrq_n_u8(vld1q_u8(p), 4)));
}

struct Pairs {
  int16x4_t first[4], second[4];
};
AVOCADO_LANES Pairs interleave(I32x16 a, I32x16 b) {
  Pairs pairs;
  for (int i = 0; i < 4; ++i)
    pairs.first[i] = vmovn_s32(a.v[i]), pairs.second[i] = vmovn_s32(b.v[i]);
  return pairs;
}
AVOCADO_LANES I32x16 add_pairs(I32x16 sum, Pairs a, Pairs b) {
  AVOCADO_EACH(I32x16,
               vmlal_s16(vmlal_s16(sum.v[i], a.first[i], b.first[i]), a.second[i], b.second[i]));
}
AVOCADO_LANES I32x16 add_pairs(I32x16 sum, Pairs a, const int16_t* two) {
  AVOCADO_EACH(I32x16, vmlal_n_s16(vmlal_n_s16(sum.v[i], a.first[i], two[0]), a.second[i], two[1]));
}
AVOCADO_LANES I32x16 multiply_int(I32x16 a, I32x16 b) {
  AVOCADO_EACH(I32x16, vmulq_s32(a.v[i], b.v[i]));
}
AVOCADO_LANES I32x16 max_int(I32x16 a, I32x16 b) {
  AVOCADO_EACH(I32x16, vmaxq_s32(a.v[i], b.v[i]));
}
AVOCADO_LANES int32_t max_lane(I32x16 a) {
  return vmaxvq_s32(vmaxq_s32(vmaxq_s32(a.v[0], a.v[1]), vmaxq_s32(a.v[2], a.v[3])));
}
AVOCADO_LANES int32_t sum_int(I32x16 a) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(a.v[0], a.v[1]), vaddq_s32(a.v[2], a.v[3])));
}
AVOCADO_LANES void store_int8(int8_t* p, I32x16 a) {
  const int16x8_t low = vcombine_s16(vmovn_s32(a.v[0]), vmovn_s32(a.v[1]));
  const int16x8_t high = vcombine_s16(vmovn_s32(a.v[2]), vmovn_s32(a.v[3]));
  vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
