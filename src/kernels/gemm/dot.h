#pragma once
// One step of each kind of product, how B is stored for it, and how an old C begins: in products of
// bf16, zero with its sign where it is subnormal.

#include <cstdint>

#include "kernels/gemm/vector.h"

namespace avocado::kernels::AVOCADO_ISA_NS::native {
namespace {

struct DotF32 {
  using Stored = float;
  static AVOCADO_INLINE Vec begin(Vec old) { return old; }
  static AVOCADO_INLINE Vec step(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

// Widening a 16-bit float is exact.
struct DotF16 : DotF32 {
  using Stored = uint16_t;
};

#if defined(__AVX512F__)
// Written in assembly because the intrinsic asks that the whole function be compiled for CPUs with
// bf16. Only called when has_avx512_bf16().
struct DotBf16Native {
  using Stored = float;
  static AVOCADO_INLINE Vec begin(Vec old) { return old; }  // the instruction flushes it
  static AVOCADO_INLINE Vec step(Vec a, Vec b, Vec sum) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
  }
};
#endif

#if defined(__AVX2__)

// Between the two calls, results that are subnormal become zero. The products between them must be
// behind a call that is not inlined.
AVOCADO_INLINE unsigned begin_flush() {
  const unsigned old = _mm_getcsr();
  _mm_setcsr(old | 0x8040);
  return old;
}
AVOCADO_INLINE void end_flush(unsigned old) { _mm_setcsr(old); }

struct DotBf16 {
  using Stored = float;
  static AVOCADO_INLINE Vec begin(Vec old) { return old; }  // the mode flushes it
  static AVOCADO_INLINE Vec step(Vec a, Vec b, Vec sum) {
    return fma(low_half(a), low_half(b), fma(high_half(a), high_half(b), sum));
  }
};

#else

// ARM's flush mode judges smallness before rounding, x86 after it, so it is not used here.
AVOCADO_INLINE unsigned begin_flush() { return 0; }
AVOCADO_INLINE void end_flush(unsigned) {}

// As fma_flush in kernels/linear/bf16.h.
AVOCADO_INLINE Vec fma_flush(Vec a, Vec b, Vec c) {
  const Vec r = fma(a, b, c);
  float av[4], bv[4], cv[4], rv[4];
  store(av, a);
  store(bv, b);
  store(cv, c);
  store(rv, r);
  for (int i = 0; i < 4; ++i) {
    const float s = __builtin_fabsf(rv[i]);
    const double exact =
        static_cast<double>(av[i]) * static_cast<double>(bv[i]) + static_cast<double>(cv[i]);
    if (s < 0x1p-126f || (s == 0x1p-126f && __builtin_fabs(exact) < 0x1p-126 - 0x1p-151))
      rv[i] = __builtin_copysignf(0.0f, rv[i]);
  }
  return load(rv);
}
__attribute__((noinline)) Vec step_flush(Vec a, Vec b, Vec sum) {
  return fma_flush(low_half(a), low_half(b), fma_flush(high_half(a), high_half(b), sum));
}

// Whether a result is at most 2^-126 in size and not zero. As integers sizes are in order, and a
// zero less one is above all.
AVOCADO_INLINE bool some_small(Vec first, Vec second) {
  const uint32x4_t one = vdupq_n_u32(1);
  const uint32x4_t sizes = vminq_u32(vsubq_u32(vreinterpretq_u32_f32(vabsq_f32(first)), one),
                                     vsubq_u32(vreinterpretq_u32_f32(vabsq_f32(second)), one));
  return vminvq_u32(sizes) < 0x00800000;
}

AVOCADO_INLINE Vec flush_small(Vec v) {
  const uint32x4_t bits = vreinterpretq_u32_f32(v);
  const uint32x4_t small = vceqzq_u32(vandq_u32(bits, vdupq_n_u32(0x7f800000)));
  return vreinterpretq_f32_u32(vbicq_u32(bits, vandq_u32(small, vdupq_n_u32(0x7fffffff))));
}

// Nearly no result is so small, so one look at both sums does, and the repair may be slow.
struct DotBf16 {
  using Stored = float;
  static AVOCADO_INLINE Vec begin(Vec old) { return flush_small(old); }
  static AVOCADO_INLINE Vec step(Vec a, Vec b, Vec sum) {
    const Vec odd = fma(high_half(a), high_half(b), sum);
    const Vec both = fma(low_half(a), low_half(b), odd);
    return __builtin_expect(some_small(odd, both), 0) ? step_flush(a, b, sum) : both;
  }
};

// The same with the instructions of Arm's bf16 extension that are an FMA of the odd and one of the
// even halves. (bfdot and bfmmla round in another way: docs/numerics.md.) Written in assembly
// because the intrinsics ask for it. Only called when has_arm_bf16().
struct DotBf16Native {
  using Stored = float;
  static AVOCADO_INLINE Vec begin(Vec old) { return flush_small(old); }
  static AVOCADO_INLINE Vec step(Vec a, Vec b, Vec sum) {
    Vec odd = sum;
    __asm__(".arch armv8.2-a+bf16\n\tbfmlalt %0.4s, %1.8h, %2.8h" : "+w"(odd) : "w"(a), "w"(b));
    Vec both = odd;
    __asm__(".arch armv8.2-a+bf16\n\tbfmlalb %0.4s, %1.8h, %2.8h" : "+w"(both) : "w"(a), "w"(b));
    return __builtin_expect(some_small(odd, both), 0) ? step_flush(a, b, sum) : both;
  }
};

#endif

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS::native
