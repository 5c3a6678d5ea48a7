#pragma once
// 16 float lanes as two AVX2 registers. See simd.h for what each function does.

#include <immintrin.h>

namespace avocado::kernels::AVOCADO_ISA_NS {

struct F32x16 {
  __m256 v[2];
};
struct I32x16 {
  __m256i v[2];
};
struct M16 {
  __m256i v[2];  // all bits of a chosen lane are set
};
struct F64x16 {
  __m256d v[4];
};

AVOCADO_LANES F32x16 splat(float x) { return {{_mm256_set1_ps(x), _mm256_set1_ps(x)}}; }
AVOCADO_LANES F32x16 load(const float* p) { return {{_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}}; }
AVOCADO_LANES void store(float* p, F32x16 x) {
  _mm256_storeu_ps(p, x.v[0]);
  _mm256_storeu_ps(p + 8, x.v[1]);
}
AVOCADO_LANES M16 first_n(int n) {
  const __m256i count = _mm256_set1_epi32(n);
  return {{_mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
           _mm256_cmpgt_epi32(count, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15))}};
}
AVOCADO_LANES F32x16 load_n(const float* p, int n) {
  const M16 m = first_n(n);
  return {{_mm256_maskload_ps(p, m.v[0]), _mm256_maskload_ps(p + 8, m.v[1])}};
}
AVOCADO_LANES void store_n(float* p, F32x16 x, int n) {
  const M16 m = first_n(n);
  _mm256_maskstore_ps(p, m.v[0], x.v[0]);
  _mm256_maskstore_ps(p + 8, m.v[1], x.v[1]);
}

AVOCADO_LANES F32x16 operator+(F32x16 a, F32x16 b) {
  return {{_mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1])}};
}
AVOCADO_LANES F32x16 operator-(F32x16 a, F32x16 b) {
  return {{_mm256_sub_ps(a.v[0], b.v[0]), _mm256_sub_ps(a.v[1], b.v[1])}};
}
AVOCADO_LANES F32x16 operator*(F32x16 a, F32x16 b) {
  return {{_mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1])}};
}
AVOCADO_LANES F32x16 operator/(F32x16 a, F32x16 b) {
  return {{_mm256_div_ps(a.v[0], b.v[0]), _mm256_div_ps(a.v[1], b.v[1])}};
}
AVOCADO_LANES F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {{_mm256_fmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fmadd_ps(a.v[1], b.v[1], c.v[1])}};
}
AVOCADO_LANES F32x16 sqrt(F32x16 a) { return {{_mm256_sqrt_ps(a.v[0]), _mm256_sqrt_ps(a.v[1])}}; }
AVOCADO_LANES F32x16 max(F32x16 a, F32x16 b) {
  return {{_mm256_max_ps(a.v[0], b.v[0]), _mm256_max_ps(a.v[1], b.v[1])}};
}
AVOCADO_LANES M16 operator<(F32x16 a, F32x16 b) {
  return {{_mm256_castps_si256(_mm256_cmp_ps(a.v[0], b.v[0], _CMP_LT_OQ)),
           _mm256_castps_si256(_mm256_cmp_ps(a.v[1], b.v[1], _CMP_LT_OQ))}};
}
AVOCADO_LANES M16 operator!=(F32x16 a, F32x16 b) {
  return {{_mm256_castps_si256(_mm256_cmp_ps(a.v[0], b.v[0], _CMP_NEQ_UQ)),
           _mm256_castps_si256(_mm256_cmp_ps(a.v[1], b.v[1], _CMP_NEQ_UQ))}};
}
AVOCADO_LANES F32x16 select(M16 m, F32x16 a, F32x16 b) {
  return {{_mm256_blendv_ps(b.v[0], a.v[0], _mm256_castsi256_ps(m.v[0])),
           _mm256_blendv_ps(b.v[1], a.v[1], _mm256_castsi256_ps(m.v[1]))}};
}

AVOCADO_LANES I32x16 splat_int(int x) { return {{_mm256_set1_epi32(x), _mm256_set1_epi32(x)}}; }
AVOCADO_LANES I32x16 bits(F32x16 a) {
  return {{_mm256_castps_si256(a.v[0]), _mm256_castps_si256(a.v[1])}};
}
AVOCADO_LANES F32x16 from_bits(I32x16 a) {
  return {{_mm256_castsi256_ps(a.v[0]), _mm256_castsi256_ps(a.v[1])}};
}
AVOCADO_LANES F32x16 to_float(I32x16 a) {
  return {{_mm256_cvtepi32_ps(a.v[0]), _mm256_cvtepi32_ps(a.v[1])}};
}
AVOCADO_LANES I32x16 operator+(I32x16 a, I32x16 b) {
  return {{_mm256_add_epi32(a.v[0], b.v[0]), _mm256_add_epi32(a.v[1], b.v[1])}};
}
AVOCADO_LANES I32x16 operator-(I32x16 a, I32x16 b) {
  return {{_mm256_sub_epi32(a.v[0], b.v[0]), _mm256_sub_epi32(a.v[1], b.v[1])}};
}
AVOCADO_LANES I32x16 operator&(I32x16 a, I32x16 b) {
  return {{_mm256_and_si256(a.v[0], b.v[0]), _mm256_and_si256(a.v[1], b.v[1])}};
}
AVOCADO_LANES I32x16 operator^(I32x16 a, I32x16 b) {
  return {{_mm256_xor_si256(a.v[0], b.v[0]), _mm256_xor_si256(a.v[1], b.v[1])}};
}
AVOCADO_LANES I32x16 shift_left_23(I32x16 a) {
  return {{_mm256_slli_epi32(a.v[0], 23), _mm256_slli_epi32(a.v[1], 23)}};
}
AVOCADO_LANES I32x16 shift_right_23(I32x16 a) {
  return {{_mm256_srai_epi32(a.v[0], 23), _mm256_srai_epi32(a.v[1], 23)}};
}

template <int h>
AVOCADO_LANES F32x16 exchange(F32x16 a) {
  if constexpr (h == 8) return {{a.v[1], a.v[0]}};
  F32x16 y;
  for (int i = 0; i < 2; ++i)
    y.v[i] = h == 4 ? _mm256_permute2f128_ps(a.v[i], a.v[i], 1)
                    : _mm256_permute_ps(a.v[i], h == 1 ? 0xb1 : 0x4e);
  return y;
}
AVOCADO_LANES F32x16 even_twice(F32x16 a) {
  return {{_mm256_moveldup_ps(a.v[0]), _mm256_moveldup_ps(a.v[1])}};
}
AVOCADO_LANES F32x16 odd_twice(F32x16 a) {
  return {{_mm256_movehdup_ps(a.v[0]), _mm256_movehdup_ps(a.v[1])}};
}
AVOCADO_LANES F32x16 alternate(float even, float odd) {
  const __m256 v = _mm256_setr_ps(even, odd, even, odd, even, odd, even, odd);
  return {{v, v}};
}
AVOCADO_LANES __m256 unzip_half(__m256 low, __m256 high, bool odd) {
  const __m256 mixed =
      odd ? _mm256_shuffle_ps(low, high, 0xdd) : _mm256_shuffle_ps(low, high, 0x88);
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), 0xd8));
}
AVOCADO_LANES void unzip(F32x16 low, F32x16 high, F32x16* even, F32x16* odd) {
  *even = {{unzip_half(low.v[0], low.v[1], false), unzip_half(high.v[0], high.v[1], false)}};
  *odd = {{unzip_half(low.v[0], low.v[1], true), unzip_half(high.v[0], high.v[1], true)}};
}

AVOCADO_LANES float sum(F32x16 a) {
  const __m256 h8 = _mm256_add_ps(a.v[0], a.v[1]);
  const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_add_ss(h2, _mm_movehdup_ps(h2)));
}

AVOCADO_LANES F32x16 times_two_to(F32x16 x, F32x16 n) {
  F32x16 y;
  for (int i = 0; i < 2; ++i)  // a NaN converts to INT_MIN, which is shifted out
    y.v[i] = _mm256_castsi256_ps(_mm256_add_epi32(
        _mm256_castps_si256(x.v[i]), _mm256_slli_epi32(_mm256_cvtps_epi32(n.v[i]), 23)));
  return y;
}

AVOCADO_LANES F32x16 load_f16(const uint16_t* p) {
  const auto* halves = reinterpret_cast<const __m128i*>(p);
  return {{_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))}};
}
AVOCADO_LANES void store_f16(uint16_t* p, F32x16 x) {
  for (int i = 0; i < 2; ++i)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p) + i,
                     _mm256_cvtps_ph(x.v[i], _MM_FROUND_TO_NEAREST_INT));
}
AVOCADO_LANES F32x16 load_bf16(const uint16_t* p) {
  F32x16 y;
  for (int i = 0; i < 2; ++i) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p) + i);
    y.v[i] = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  return y;
}
AVOCADO_LANES F32x16 load_int8(const int8_t* p) {
  F32x16 y;
  for (int i = 0; i < 2; ++i)
    y.v[i] = _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + 8 * i))));
  return y;
}
AVOCADO_LANES void store_low_bytes(uint8_t* p, I32x16 a) {
  const __m256i low = _mm256_set1_epi32(0xff);
  // Packing works on halves of a register; the permutation brings their quarters into order.
  const __m256i words = _mm256_permute4x64_epi64(
      _mm256_packus_epi32(_mm256_and_si256(a.v[0], low), _mm256_and_si256(a.v[1], low)), 0xd8);
  const __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}
AVOCADO_LANES void load_nibbles(const uint8_t* p, F32x16* low, F32x16* high) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const auto widen = [](__m128i codes) __attribute__((always_inline)) {
    const __m128i q = _mm_sub_epi8(_mm_and_si128(codes, _mm_set1_epi8(15)), _mm_set1_epi8(8));
    return F32x16{{_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)),
                   _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(q, q)))}};
  };
  *low = widen(bytes);
  *high = widen(_mm_srli_epi16(bytes, 4));
}

AVOCADO_LANES F64x16 zero64() {
  const __m256d z = _mm256_setzero_pd();
  return {{z, z, z, z}};
}
AVOCADO_LANES F64x16 add_squares(F64x16 sums, F32x16 x) {
  for (int i = 0; i < 4; ++i) {
    const __m256d wide = _mm256_cvtps_pd(i % 2 == 0 ? _mm256_castps256_ps128(x.v[i / 2])
                                                    : _mm256_extractf128_ps(x.v[i / 2], 1));
    sums.v[i] = _mm256_fmadd_pd(wide, wide, sums.v[i]);
  }
  return sums;
}
AVOCADO_LANES double sum(F64x16 a) {
  const __m256d h4 = _mm256_add_pd(_mm256_add_pd(a.v[0], a.v[2]), _mm256_add_pd(a.v[1], a.v[3]));
  const __m128d h2 = _mm_add_pd(_mm256_castpd256_pd128(h4), _mm256_extractf128_pd(h4, 1));
  return _mm_cvtsd_f64(_mm_add_sd(h2, _mm_unpackhi_pd(h2, h2)));
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
