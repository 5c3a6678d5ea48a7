#pragma once
// A line as two AVX2 registers. See lines.h for what each function does.

namespace avocado::kernels::AVOCADO_ISA_NS {

struct Line {
  __m256i v[2];
};

AVOCADO_LANES Line load_line(const uint8_t* p) {
  return {{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
           _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))}};
}
AVOCADO_LANES Line load_plane(const uint8_t* p) { return load_line(p); }
template <class L>
AVOCADO_LANES Line load_table(const int8_t* p) {
  __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  // vpdpbusd takes the table's values as unsigned numbers, 128 above.
  if constexpr (kDot<L>) part = _mm_xor_si128(part, _mm_set1_epi8(-128));
  const __m256i table = _mm256_broadcastsi128_si256(part);
  return {{table, table}};
}
AVOCADO_LANES Line keep(Line a, int mask) {
  const __m256i m = _mm256_set1_epi8(static_cast<char>(mask));
  return {{_mm256_and_si256(a.v[0], m), _mm256_and_si256(a.v[1], m)}};
}
AVOCADO_LANES Line join(Line a, Line b) {
  return {{_mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1])}};
}
template <int n>
AVOCADO_LANES Line right(Line a) {
  return {{_mm256_srli_epi16(a.v[0], n), _mm256_srli_epi16(a.v[1], n)}};
}
template <int n>
AVOCADO_LANES Line left(Line a) {
  return {{_mm256_slli_epi16(a.v[0], n), _mm256_slli_epi16(a.v[1], n)}};
}
AVOCADO_LANES Line look_up(Line table, Line a) {
  return {{_mm256_shuffle_epi8(table.v[0], a.v[0]), _mm256_shuffle_epi8(table.v[1], a.v[1])}};
}

// vpmaddubsw adds two products in 16 bits with saturation: codes up to 63 are safe as they are,
// values up to 128 in size after moving their signs to x. vpdpbusd takes any code.
template <class L>
constexpr bool kUnsigned = kDot<L> || (!L::kTable && L::kBits <= 6);
template <class L>
AVOCADO_LANES Line prepare(Line a) {
  if constexpr (kUnsigned<L> || L::kTable) {
    return a;
  } else {
    const __m256i bias = _mm256_set1_epi8(static_cast<char>(L::kBias));
    return {{_mm256_sub_epi8(a.v[0], bias), _mm256_sub_epi8(a.v[1], bias)}};
  }
}
// vpdpbusd is written in assembly because the intrinsic asks that the whole function be compiled
// for CPUs with AVX-VNNI.
template <class L>
AVOCADO_LANES I32x16 dot(I32x16 sum, Line w, const int8_t* a) {
  const __m256i x = _mm256_set1_epi32(four_bytes(a)), ones = _mm256_set1_epi16(1);
  for (int i = 0; i < 2; ++i) {
    if constexpr (kDot<L>) {
      __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.v[i]) : "x"(w.v[i]), "x"(x));
    } else {
      const __m256i pairs =
          kUnsigned<L> ? _mm256_maddubs_epi16(w.v[i], x)
                       : _mm256_maddubs_epi16(_mm256_abs_epi8(w.v[i]), _mm256_sign_epi8(x, w.v[i]));
      sum.v[i] = _mm256_add_epi32(sum.v[i], _mm256_madd_epi16(pairs, ones));
    }
  }
  return sum;
}

AVOCADO_LANES F32x16 load_half(const uint8_t* p) {
  return {{_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
           _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16)))}};
}
AVOCADO_LANES F32x16 load_bfloat(const uint8_t* p) {
  F32x16 out;
  for (int i = 0; i < 2; ++i) {
    const __m256i wide =
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i)));
    out.v[i] = _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  return out;
}
AVOCADO_LANES I32x16 load_int8(const uint8_t* p) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {{_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8))}};
}
AVOCADO_LANES I32x16 widen_bytes(__m128i x) {
  return {{_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8))}};
}
AVOCADO_LANES I32x16 load_uint8(const uint8_t* p) {
  return widen_bytes(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
AVOCADO_LANES I32x16 load_low_nibbles(const uint8_t* p) {
  return widen_bytes(
      _mm_and_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(15)));
}
AVOCADO_LANES I32x16 load_high_nibbles(const uint8_t* p) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return widen_bytes(_mm_and_si128(_mm_srli_epi16(x, 4), _mm_set1_epi8(15)));
}

struct Pairs {
  __m256i v[2];
};
AVOCADO_LANES Pairs interleave(I32x16 a, I32x16 b) {
  return {{_mm256_blend_epi16(a.v[0], _mm256_slli_epi32(b.v[0], 16), 0xaa),
           _mm256_blend_epi16(a.v[1], _mm256_slli_epi32(b.v[1], 16), 0xaa)}};
}
AVOCADO_LANES I32x16 add_pairs(I32x16 sum, Pairs a, Pairs b) {
  for (int i = 0; i < 2; ++i)
    sum.v[i] = _mm256_add_epi32(sum.v[i], _mm256_madd_epi16(a.v[i], b.v[i]));
  return sum;
}
AVOCADO_LANES I32x16 add_pairs(I32x16 sum, Pairs a, const int16_t* two) {
  int32_t bits;
  __builtin_memcpy(&bits, two, sizeof bits);
  const __m256i b = _mm256_set1_epi32(bits);
  return add_pairs(sum, a, Pairs{{b, b}});
}
AVOCADO_LANES I32x16 multiply_int(I32x16 a, I32x16 b) {
  return {{_mm256_mullo_epi32(a.v[0], b.v[0]), _mm256_mullo_epi32(a.v[1], b.v[1])}};
}
AVOCADO_LANES I32x16 max_int(I32x16 a, I32x16 b) {
  return {{_mm256_max_epi32(a.v[0], b.v[0]), _mm256_max_epi32(a.v[1], b.v[1])}};
}
AVOCADO_LANES int32_t max_lane(I32x16 a) {
  const __m256i h8 = _mm256_max_epi32(a.v[0], a.v[1]);
  const __m128i h4 = _mm_max_epi32(_mm256_castsi256_si128(h8), _mm256_extracti128_si256(h8, 1));
  const __m128i h2 = _mm_max_epi32(h4, _mm_shuffle_epi32(h4, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(h2, _mm_shuffle_epi32(h2, 0xb1)));
}
AVOCADO_LANES int32_t sum_int(I32x16 a) {
  const __m256i h8 = _mm256_add_epi32(a.v[0], a.v[1]);
  const __m128i h4 = _mm_add_epi32(_mm256_castsi256_si128(h8), _mm256_extracti128_si256(h8, 1));
  const __m128i h2 = _mm_add_epi32(h4, _mm_shuffle_epi32(h4, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(h2, _mm_shuffle_epi32(h2, 0xb1)));
}
AVOCADO_LANES void store_int8(int8_t* p, I32x16 a) {
  const __m256i pairs = _mm256_packs_epi32(a.v[0], a.v[1]);  // 0-3 8-11 4-7 12-15
  const __m256i sorted = _mm256_permute4x64_epi64(pairs, 0xd8);
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(p),
      _mm_packs_epi16(_mm256_castsi256_si128(sorted), _mm256_extracti128_si256(sorted, 1)));
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
