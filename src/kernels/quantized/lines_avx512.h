#pragma once
// A line as one AVX-512 register, products by VNNI. See lines.h for what each function does.

namespace avocado::kernels::AVOCADO_ISA_NS {

struct Line {
  __m512i v;
};

AVOCADO_LANES Line load_line(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
// The barrier keeps the line in a register; the compiler would read it again at each use.
AVOCADO_LANES Line load_plane(const uint8_t* p) {
  Line line = load_line(p);
  __asm__("" : "+v"(line.v));
  return line;
}
template <class L = void>
AVOCADO_LANES Line load_table(const int8_t* p) {
  // vpdpbusd takes the table's values as unsigned numbers, 128 above.
  const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_broadcast_i32x4(_mm_xor_si128(table, _mm_set1_epi8(-128)))};
}
AVOCADO_LANES Line keep(Line a, int mask) {
  return {_mm512_and_si512(a.v, _mm512_set1_epi8(static_cast<char>(mask)))};
}
AVOCADO_LANES Line join(Line a, Line b) { return {_mm512_or_si512(a.v, b.v)}; }
template <int n>
AVOCADO_LANES Line right(Line a) {
  return {_mm512_srli_epi16(a.v, n)};
}
template <int n>
AVOCADO_LANES Line left(Line a) {
  return {_mm512_slli_epi16(a.v, n)};
}
AVOCADO_LANES Line look_up(Line table, Line a) { return {_mm512_shuffle_epi8(table.v, a.v)}; }

template <class L>
constexpr bool kUnsigned = true;
template <class L>
AVOCADO_LANES Line prepare(Line a) {
  return a;
}
// Written in assembly because the intrinsic asks that the whole function be compiled for CPUs with
// VNNI. Only called when has_avx512_vnni().
template <class L>
AVOCADO_LANES I32x16 dot(I32x16 sum, Line w, const int8_t* a) {
  typedef int32_t Four __attribute__((may_alias, aligned(1)));
  __asm__("vpdpbusd %2%{1to16%}, %1, %0"
          : "+v"(sum.v)
          : "v"(w.v), "m"(*reinterpret_cast<const Four*>(a)));
  return sum;
}

AVOCADO_LANES F32x16 load_half(const uint8_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
AVOCADO_LANES F32x16 load_bfloat(const uint8_t* p) {
  const __m512i wide =
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}
AVOCADO_LANES I32x16 load_int8(const uint8_t* p) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
AVOCADO_LANES I32x16 load_uint8(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
AVOCADO_LANES I32x16 load_low_nibbles(const uint8_t* p) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_cvtepu8_epi32(_mm_and_si128(x, _mm_set1_epi8(15)))};
}
AVOCADO_LANES I32x16 load_high_nibbles(const uint8_t* p) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_srli_epi32(_mm512_cvtepu8_epi32(x), 4)};
}

struct Pairs {
  __m512i v;
};
AVOCADO_LANES Pairs interleave(I32x16 a, I32x16 b) {
  return {_mm512_mask_blend_epi16(0xaaaaaaaa, a.v, _mm512_slli_epi32(b.v, 16))};
}
AVOCADO_LANES I32x16 add_pairs(I32x16 sum, Pairs a, Pairs b) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "v"(b.v));
  return sum;
}
AVOCADO_LANES I32x16 add_pairs(I32x16 sum, Pairs a, const int16_t* two) {
  typedef int32_t Two __attribute__((may_alias, aligned(2)));
  __asm__("vpdpwssd %2%{1to16%}, %1, %0"
          : "+v"(sum.v)
          : "v"(a.v), "m"(*reinterpret_cast<const Two*>(two)));
  return sum;
}
AVOCADO_LANES I32x16 multiply_int(I32x16 a, I32x16 b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
AVOCADO_LANES I32x16 max_int(I32x16 a, I32x16 b) { return {_mm512_max_epi32(a.v, b.v)}; }
AVOCADO_LANES int32_t max_lane(I32x16 a) { return _mm512_reduce_max_epi32(a.v); }
AVOCADO_LANES int32_t sum_int(I32x16 a) { return _mm512_reduce_add_epi32(a.v); }
AVOCADO_LANES void store_int8(int8_t* p, I32x16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
