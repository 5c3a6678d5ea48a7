#pragma once
// 16 float lanes as one AVX-512 register. See simd.h for what each function does.

#include <immintrin.h>

namespace avocado::kernels::AVOCADO_ISA_NS {

struct F32x16 {
  __m512 v;
};
struct I32x16 {
  __m512i v;
};
struct M16 {
  __mmask16 v;
};
struct F64x16 {
  __m512d v[2];
};

AVOCADO_LANES F32x16 splat(float x) { return {_mm512_set1_ps(x)}; }
AVOCADO_LANES F32x16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
AVOCADO_LANES void store(float* p, F32x16 x) { _mm512_storeu_ps(p, x.v); }
AVOCADO_LANES M16 first_n(int n) { return {static_cast<__mmask16>((1u << n) - 1)}; }
AVOCADO_LANES F32x16 load_n(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(first_n(n).v, p)};
}
AVOCADO_LANES void store_n(float* p, F32x16 x, int n) {
  _mm512_mask_storeu_ps(p, first_n(n).v, x.v);
}

AVOCADO_LANES F32x16 operator+(F32x16 a, F32x16 b) { return {_mm512_add_ps(a.v, b.v)}; }
AVOCADO_LANES F32x16 operator-(F32x16 a, F32x16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
AVOCADO_LANES F32x16 operator*(F32x16 a, F32x16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
AVOCADO_LANES F32x16 operator/(F32x16 a, F32x16 b) { return {_mm512_div_ps(a.v, b.v)}; }
AVOCADO_LANES F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
AVOCADO_LANES F32x16 sqrt(F32x16 a) { return {_mm512_sqrt_ps(a.v)}; }
AVOCADO_LANES F32x16 max(F32x16 a, F32x16 b) { return {_mm512_max_ps(a.v, b.v)}; }
AVOCADO_LANES M16 operator<(F32x16 a, F32x16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
AVOCADO_LANES M16 operator!=(F32x16 a, F32x16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)};
}
AVOCADO_LANES F32x16 select(M16 m, F32x16 a, F32x16 b) {
  return {_mm512_mask_blend_ps(m.v, b.v, a.v)};
}

AVOCADO_LANES I32x16 splat_int(int x) { return {_mm512_set1_epi32(x)}; }
AVOCADO_LANES I32x16 bits(F32x16 a) { return {_mm512_castps_si512(a.v)}; }
AVOCADO_LANES F32x16 from_bits(I32x16 a) { return {_mm512_castsi512_ps(a.v)}; }
AVOCADO_LANES F32x16 to_float(I32x16 a) { return {_mm512_cvtepi32_ps(a.v)}; }
AVOCADO_LANES I32x16 operator+(I32x16 a, I32x16 b) { return {_mm512_add_epi32(a.v, b.v)}; }
AVOCADO_LANES I32x16 operator-(I32x16 a, I32x16 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
AVOCADO_LANES I32x16 operator&(I32x16 a, I32x16 b) { return {_mm512_and_si512(a.v, b.v)}; }
AVOCADO_LANES I32x16 operator^(I32x16 a, I32x16 b) { return {_mm512_xor_si512(a.v, b.v)}; }
AVOCADO_LANES I32x16 shift_left_23(I32x16 a) { return {_mm512_slli_epi32(a.v, 23)}; }
AVOCADO_LANES I32x16 shift_right_23(I32x16 a) { return {_mm512_srai_epi32(a.v, 23)}; }

template <int h>
AVOCADO_LANES F32x16 exchange(F32x16 a) {
  if constexpr (h < 4) return {_mm512_permute_ps(a.v, h == 1 ? 0xb1 : 0x4e)};
  return {_mm512_shuffle_f32x4(a.v, a.v, h == 4 ? 0xb1 : 0x4e)};
}
AVOCADO_LANES F32x16 even_twice(F32x16 a) { return {_mm512_moveldup_ps(a.v)}; }
AVOCADO_LANES F32x16 odd_twice(F32x16 a) { return {_mm512_movehdup_ps(a.v)}; }
AVOCADO_LANES F32x16 alternate(float even, float odd) {
  return {_mm512_mask_blend_ps(0xaaaa, _mm512_set1_ps(even), _mm512_set1_ps(odd))};
}
AVOCADO_LANES void unzip(F32x16 low, F32x16 high, F32x16* even, F32x16* odd) {
  const __m512i index =
      _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  even->v = _mm512_permutex2var_ps(low.v, index, high.v);
  odd->v = _mm512_permutex2var_ps(low.v, _mm512_or_si512(index, _mm512_set1_epi32(1)), high.v);
}

AVOCADO_LANES float sum(F32x16 a) {
  const __m256 h8 = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_add_ss(h2, _mm_movehdup_ps(h2)));
}

// One step of the tree for two vectors whose 16 / width parts are rows: lanes i and i + width / 2
// of each part together.
template <int width, class Op>
AVOCADO_LANES __m512 fold(__m512 a, __m512 b, Op op) {
  if constexpr (width == 16)
    return op(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  if constexpr (width == 8)
    return op(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  if constexpr (width == 4) return op(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
  return op(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}
// The trees of 16 rows at a time: three instructions per row instead of nine.
template <class Op>
AVOCADO_LANES F32x16 fold_rows(const F32x16* rows, Op op) {
  __m512 x[8];
  for (int i = 0; i < 8; ++i) x[i] = fold<16>(rows[2 * i].v, rows[2 * i + 1].v, op);
  for (int i = 0; i < 4; ++i) x[i] = fold<8>(x[2 * i], x[2 * i + 1], op);
  const __m512 low = fold<4>(x[0], x[1], op), high = fold<4>(x[2], x[3], op);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return {_mm512_permutexvar_ps(order, fold<2>(low, high, op))};
}
AVOCADO_LANES F32x16 sum_rows(const F32x16* rows) {
  return fold_rows(
      rows, [](__m512 a, __m512 b) __attribute__((always_inline)) { return _mm512_add_ps(a, b); });
}
AVOCADO_LANES F32x16 max_rows(const F32x16* rows) {
  return fold_rows(
      rows, [](__m512 a, __m512 b) __attribute__((always_inline)) { return _mm512_max_ps(a, b); });
}

AVOCADO_LANES F32x16 times_two_to(F32x16 x, F32x16 n) { return {_mm512_scalef_ps(x.v, n.v)}; }

AVOCADO_LANES F32x16 load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
AVOCADO_LANES void store_f16(uint16_t* p, F32x16 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
AVOCADO_LANES F32x16 load_bf16(const uint16_t* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
}
AVOCADO_LANES F32x16 load_int8(const int8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
}
AVOCADO_LANES void store_low_bytes(uint8_t* p, I32x16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}
AVOCADO_LANES void load_nibbles(const uint8_t* p, F32x16* low, F32x16* high) {
  const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m512i index = _mm512_cvtepu8_epi32(bytes);  // of which four bits count
  low->v = _mm512_permutexvar_ps(index, values);
  high->v = _mm512_permutexvar_ps(_mm512_srli_epi32(index, 4), values);
}

AVOCADO_LANES F64x16 zero64() { return {{_mm512_setzero_pd(), _mm512_setzero_pd()}}; }
AVOCADO_LANES F64x16 add_squares(F64x16 sums, F32x16 x) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x.v));
  const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x.v, 1));
  return {{_mm512_fmadd_pd(low, low, sums.v[0]), _mm512_fmadd_pd(high, high, sums.v[1])}};
}
AVOCADO_LANES double sum(F64x16 a) {
  const __m512d h8 = _mm512_add_pd(a.v[0], a.v[1]);
  const __m256d h4 = _mm256_add_pd(_mm512_castpd512_pd256(h8), _mm512_extractf64x4_pd(h8, 1));
  const __m128d h2 = _mm_add_pd(_mm256_castpd256_pd128(h4), _mm256_extractf128_pd(h4, 1));
  return _mm_cvtsd_f64(_mm_add_sd(h2, _mm_unpackhi_pd(h2, h2)));
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
