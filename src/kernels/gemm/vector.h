#pragma once
// One register of this instruction set, for the tiles of matrix products. (Reductions use the 16
// virtual lanes of kernels/simd instead: there the width would change the sum.)

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif

namespace avocado::kernels::AVOCADO_ISA_NS::native {
namespace {

#define AVOCADO_INLINE inline __attribute__((always_inline))

#if defined(__AVX512F__)

using Vec = __m512;
using Mask = __mmask16;
constexpr int kLanes = 16;
constexpr int kVectors = 2;  // vectors in a panel
constexpr int kRows = 14;    // rows of a register tile: 28 accumulators, 2 of B, 1 of A
constexpr int kAccumulators = 28;

AVOCADO_INLINE Vec zero() { return _mm512_setzero_ps(); }
AVOCADO_INLINE Vec load(const float* p) { return _mm512_loadu_ps(p); }
AVOCADO_INLINE Vec load(const uint16_t* halves) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
}
AVOCADO_INLINE void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
AVOCADO_INLINE Vec splat(const float* p) { return _mm512_set1_ps(*p); }
AVOCADO_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
AVOCADO_INLINE Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
AVOCADO_INLINE Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
// The first n lanes, n may be <= 0 or >= kLanes.
AVOCADO_INLINE Mask first(int64_t n) {
  return static_cast<Mask>(n >= kLanes ? 0xffff : n <= 0 ? 0 : (1 << n) - 1);
}
AVOCADO_INLINE Vec load(const float* p, Mask m) { return _mm512_maskz_loadu_ps(m, p); }
AVOCADO_INLINE void store(float* p, Mask m, Vec v) { _mm512_mask_storeu_ps(p, m, v); }
AVOCADO_INLINE Vec high_half(Vec v) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}
AVOCADO_INLINE Vec low_half(Vec v) {
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_castps_si512(v), 16));
}

#elif defined(__AVX2__)

using Vec = __m256;
using Mask = __m256i;
constexpr int kLanes = 8;
constexpr int kVectors = 2;
constexpr int kRows = 6;
constexpr int kAccumulators = 12;

AVOCADO_INLINE Vec zero() { return _mm256_setzero_ps(); }
AVOCADO_INLINE Vec load(const float* p) { return _mm256_loadu_ps(p); }
AVOCADO_INLINE Vec load(const uint16_t* halves) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
}
AVOCADO_INLINE void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
AVOCADO_INLINE Vec splat(const float* p) { return _mm256_broadcast_ss(p); }
AVOCADO_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
AVOCADO_INLINE Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
AVOCADO_INLINE Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
AVOCADO_INLINE Mask first(int64_t n) {
  const int count = n >= kLanes ? kLanes : n <= 0 ? 0 : static_cast<int>(n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
AVOCADO_INLINE Vec load(const float* p, Mask m) { return _mm256_maskload_ps(p, m); }
AVOCADO_INLINE void store(float* p, Mask m, Vec v) { _mm256_maskstore_ps(p, m, v); }
AVOCADO_INLINE Vec high_half(Vec v) {
  return _mm256_castsi256_ps(
      _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
}
AVOCADO_INLINE Vec low_half(Vec v) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 16));
}

#else

using Vec = float32x4_t;
using Mask = int;  // how many lanes
constexpr int kLanes = 4;
constexpr int kVectors = 4;
constexpr int kRows = 6;
constexpr int kAccumulators = 24;

AVOCADO_INLINE Vec zero() { return vdupq_n_f32(0); }
AVOCADO_INLINE Vec load(const float* p) { return vld1q_f32(p); }
AVOCADO_INLINE Vec load(const uint16_t* halves) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves)));
}
AVOCADO_INLINE void store(float* p, Vec v) { vst1q_f32(p, v); }
AVOCADO_INLINE Vec splat(const float* p) { return vld1q_dup_f32(p); }
AVOCADO_INLINE Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
AVOCADO_INLINE Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
AVOCADO_INLINE Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
AVOCADO_INLINE Mask first(int64_t n) {
  return n >= kLanes ? kLanes : n <= 0 ? 0 : static_cast<int>(n);
}
AVOCADO_INLINE Vec load(const float* p, Mask m) {
  if (m == kLanes) return load(p);
  float lanes[kLanes] = {};
  for (int i = 0; i < m; ++i) lanes[i] = p[i];
  return load(lanes);
}
AVOCADO_INLINE void store(float* p, Mask m, Vec v) {
  if (m == kLanes) return store(p, v);
  float lanes[kLanes];
  store(lanes, v);
  for (int i = 0; i < m; ++i) p[i] = lanes[i];
}
AVOCADO_INLINE Vec high_half(Vec v) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0xffff0000u)));
}
AVOCADO_INLINE Vec low_half(Vec v) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(v), 16));
}

#endif

// The 4 x 4 block whose rows are `ld` apart, to columns that are `step` apart.
AVOCADO_INLINE void transpose4(const float* src, int64_t ld, float* dst, int64_t step) {
#if defined(__AVX2__)
  __m128 r0 = _mm_loadu_ps(src), r1 = _mm_loadu_ps(src + ld);
  __m128 r2 = _mm_loadu_ps(src + 2 * ld), r3 = _mm_loadu_ps(src + 3 * ld);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(dst, r0);
  _mm_storeu_ps(dst + step, r1);
  _mm_storeu_ps(dst + 2 * step, r2);
  _mm_storeu_ps(dst + 3 * step, r3);
#else
  const float32x4x2_t a = vzipq_f32(vld1q_f32(src), vld1q_f32(src + 2 * ld));
  const float32x4x2_t b = vzipq_f32(vld1q_f32(src + ld), vld1q_f32(src + 3 * ld));
  const float32x4x2_t low = vzipq_f32(a.val[0], b.val[0]), high = vzipq_f32(a.val[1], b.val[1]);
  vst1q_f32(dst, low.val[0]);
  vst1q_f32(dst + step, low.val[1]);
  vst1q_f32(dst + 2 * step, high.val[0]);
  vst1q_f32(dst + 3 * step, high.val[1]);
#endif
}

constexpr int kWidth = kVectors * kLanes;

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS::native
