#pragma once
// One virtual vector of 16 float lanes, in which the SIMD bodies (x.simd.cc) are written once. Such
// a file is compiled once per instruction set with AVOCADO_ISA_NS naming its namespace.
//
// Objects of one instruction set must not offer code to the rest of the program: the linker might
// choose an AVX-512 copy of a shared inline function for everybody. So everything here is static
// and always inlined, nothing from the standard library is used, and only plain pointers and sizes
// cross the border (scripts/check_weak_symbols.sh looks).
//
//   F32x16, I32x16, M16 (a choice of lanes), F64x16 (for sums of squares)
//   splat, load, store, load_n, store_n   _n: the first n < 16 lanes; others load as zero
//   first_n(n)                            M16 of the lanes below n
//   + - * / fma(a,b,c) sqrt               IEEE, one rounding each; fma is a * b + c
//   max(a, b)                             a > b ? a : b, so a NaN in a is passed over
//   < != select(m, a, b)
//   bits, from_bits, to_float, + - & ^, shift_left_23, shift_right_23 (arithmetic)
//   exchange<h>                           lanes i and i ^ h change places; h = 1, 2, 4, 8
//   even_twice, odd_twice, alternate(even, odd), unzip
//   sum                                   the tree 16 -> 8 -> 4 -> 2 -> 1, lane i with i + half
//   sum_rows, max_rows                    lane i: sum(rows[i]), or the largest lane of rows[i]
//   times_two_to(x, n)                    x * 2^n for whole n and a normal result; a NaN stays one
//   load_f16, store_f16 (nearest even), load_bf16, load_int8   16 stored numbers as floats
//   store_low_bytes(p, i)                 the low byte of each lane
//   load_nibbles(p, &low, &high)          the low and the high halves of 16 bytes, minus 8
//   zero64, add_squares

#include <cstdint>

#define AVOCADO_LANES __attribute__((always_inline)) static inline

#if defined(__AVX512F__)
#include "kernels/simd/avx512.h"
#elif defined(__AVX2__)
#include "kernels/simd/avx2.h"
#elif defined(__ARM_NEON)
#include "kernels/simd/neon.h"
#else
#error "no SIMD implementation for this instruction set"
#endif

namespace avocado::kernels::AVOCADO_ISA_NS {

constexpr int kLanes = 16;

AVOCADO_LANES F32x16 negate(F32x16 a) { return from_bits(bits(a) ^ splat_int(INT32_MIN)); }

AVOCADO_LANES float max_lanes(F32x16 a) {
  float lanes[kLanes];
  store(lanes, a);
  float m = lanes[0];
  for (int i = 1; i < kLanes; ++i) m = lanes[i] > m ? lanes[i] : m;
  return m;
}

#if !defined(__AVX512F__)
AVOCADO_LANES F32x16 sum_rows(const F32x16* rows) {
  float sums[kLanes];
  for (int i = 0; i < kLanes; ++i) sums[i] = sum(rows[i]);
  return load(sums);
}
AVOCADO_LANES F32x16 max_rows(const F32x16* rows) {
  float largest[kLanes];
  for (int i = 0; i < kLanes; ++i) largest[i] = max_lanes(rows[i]);
  return load(largest);
}
#endif

// The next up to 16 elements: all lanes, or the first n for the tail of a row.
AVOCADO_LANES int lanes_left(int64_t left) {
  return left < kLanes ? static_cast<int>(left) : kLanes;
}
AVOCADO_LANES F32x16 load_some(const float* p, int n) {
  return n == kLanes ? load(p) : load_n(p, n);
}
AVOCADO_LANES void store_some(float* p, F32x16 x, int n) {
  if (n == kLanes) {
    store(p, x);
  } else {
    store_n(p, x, n);
  }
}
// Lanes below n from a, the others from b.
AVOCADO_LANES F32x16 replace_some(F32x16 a, F32x16 b, int n) {
  return n == kLanes ? a : select(first_n(n), a, b);
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
