#pragma once
// A line of 64 bytes, four columns of 16 rows (layout.h), in registers of each instruction set, and
// its product with four columns of one quantized row of x. In addition to kernels/simd/simd.h:
//
//   Line, load_line, load_plane   load_plane: for several uses
//   load_table<L>          16 bytes in every 16-byte part, as the product takes them
//   keep(line, mask)       and
//   join(a, b)             or
//   right<n>, left<n>      shifts within 16 bits; bits that cross bytes are to be masked
//   look_up(table, line)   bytes below 16 to bytes of the table
//   kDot<L>                the instruction that adds four products of bytes is used (WithDot)
//   kUnsigned<L>           the product takes codes, and sums begin at `start`; otherwise it takes
//                          values, and sums begin at zero
//   prepare<L>(line)       codes to what the product takes
//   dot<L>(sum, line, a)   sum + line * a, a lane per row
//   load_half, load_bfloat 16 numbers as floats
//   load_int8, load_uint8, load_low_nibbles, load_high_nibbles   16 numbers as integers
//   Pairs                  two 16-bit numbers per row, which interleave(a, b) takes from I32x16
//   add_pairs(sum, a, b)   sum + both products, in each row; b may be one pair for all rows
//   multiply_int, max_int, max_lane, sum_int, store_int8   of I32x16

#include "kernels/quantized/layout.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

// Layout L, for kernels that are only called when use_int8_dot(): AVX2 with the 256-bit vpdpbusd of
// AVX-VNNI, NEON with sdot. (AVX-512 kernels always have vpdpbusd.)
template <class L>
struct WithDot : L {};
template <class L>
constexpr bool kDot = false;
template <class L>
constexpr bool kDot<WithDot<L>> = true;

AVOCADO_LANES int32_t four_bytes(const int8_t* a) {
  int32_t bytes;
  __builtin_memcpy(&bytes, a, 4);
  return bytes;
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS

#if defined(__AVX512F__)
#include "kernels/quantized/lines_avx512.h"
#elif defined(__AVX2__)
#include "kernels/quantized/lines_avx2.h"
#else
#include "kernels/quantized/lines_neon.h"
#endif
