#pragma once
// How a strip, at most kRows rows of A, gets ready for a product: copied to where the inner loop
// reads it, as floats or rounded to pairs of bf16.

#include <cstdint>
#include <utility>

#include "kernels/gemm/vector.h"

namespace avocado::kernels::AVOCADO_ISA_NS::native {
namespace {

// Steps of k between loading and storing the accumulators: this much of a panel, and of a strip of
// A, stays in the first-level cache.
constexpr int64_t kBlock = 256;
// A strip of A is copied, [row][k] with rows this far apart (a constant, so one pointer reaches all
// of them; no multiple of a page, so they do not fight for the same cache sets) ...
constexpr int64_t kRowStep = kBlock + 16;
// ... or, where A is transposed, [k][row] with this many lanes per k.
constexpr int64_t kColumnStep = (kRows + 7) / 8 * 8;
// Rows of transposed matrices to fetch ahead of their use from memory.
constexpr int64_t kRowsAhead = 16;

// Numbers as bits.
using Bits = uint32_t __attribute__((vector_size(4 * kLanes)));

AVOCADO_INLINE Bits bits_of(Vec v) {
  Bits bits;
  __builtin_memcpy(&bits, &v, sizeof bits);
  return bits;
}
AVOCADO_INLINE Vec vec_of(Bits bits) {
  Vec v;
  __builtin_memcpy(&v, &bits, sizeof v);
  return v;
}

// Rounds to bf16, nearest even; subnormals become zero with their sign.
AVOCADO_INLINE Bits round_bf16(Bits bits) {
  const Bits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Bits h = (bits & 0x7fffffff) > 0x7f800000 ? rounded * 0 + 0x7fc0 : rounded;
  return (h & 0x7f80) == 0 ? h & 0x8000 : h;
}

AVOCADO_INLINE Vec rounded(Vec v) { return vec_of(round_bf16(bits_of(v)) << 16); }

AVOCADO_INLINE Vec bf16_pairs(Vec even, Vec odd) {
  return vec_of(round_bf16(bits_of(even)) | round_bf16(bits_of(odd)) << 16);
}

// Pairs of neighbours in memory: a holds the first kLanes of them, b the next.
template <int... i>
AVOCADO_INLINE Vec bf16_neighbours(Vec a, Vec b, std::integer_sequence<int, i...>) {
  return bf16_pairs(vec_of(__builtin_shufflevector(bits_of(a), bits_of(b), (2 * i)...)),
                    vec_of(__builtin_shufflevector(bits_of(a), bits_of(b), (2 * i + 1)...)));
}

// ceil(k / 2) pairs of a row; a missing last number is zero.
AVOCADO_INLINE void pair_row(const float* src, int64_t k, float* dst) {
  for (int64_t i = 0; i < k; i += 2 * kLanes) {
    const Vec pairs =
        bf16_neighbours(load(src + i, first(k - i)), load(src + i + kLanes, first(k - i - kLanes)),
                        std::make_integer_sequence<int, kLanes>());
    store(dst + i / 2, first((k - i + 1) / 2), pairs);
  }
}

// With its neighbour in each pair.
template <int... i>
AVOCADO_INLINE Vec swapped(Vec v, std::integer_sequence<int, i...>) {
  return vec_of(__builtin_shufflevector(bits_of(v), bits_of(v), (i ^ 1)...));
}

// Rows as they are. A(row, k) is at a[row * lda + k]; element (r, s) of the strip at
// strip[r * kRowStride + s * kStepStride].
struct Rows {
  static constexpr int64_t kPerStep = 1;  // k per step
  static constexpr int64_t kRowStride = kRowStep, kStepStride = 1;
  static AVOCADO_INLINE int64_t steps(int64_t k) { return k; }
  static AVOCADO_INLINE void copy(const float* a, int64_t lda, int64_t rows, int64_t k,
                                  float* strip) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < k; i += kLanes)
        store(strip + r * kRowStep + i, load(a + r * lda + i, first(k - i)));
  }
};

struct RowsBf16 : Rows {
  static constexpr int64_t kPerStep = 2;
  static AVOCADO_INLINE int64_t steps(int64_t k) { return (k + 1) / 2; }
  static AVOCADO_INLINE void copy(const float* a, int64_t lda, int64_t rows, int64_t k,
                                  float* strip) {
    for (int64_t r = 0; r < rows; ++r) pair_row(a + r * lda, k, strip + r * kRowStep);
  }
};

// Rounded to bf16 but kept as floats, in each pair the odd one first: FMAs in this order are the
// step of kernels/linear/bf16.h.
struct RowsRounded : Rows {
  static AVOCADO_INLINE int64_t steps(int64_t k) { return (k + 1) / 2 * 2; }
  static AVOCADO_INLINE void copy(const float* a, int64_t lda, int64_t rows, int64_t k,
                                  float* strip) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < k; i += kLanes)
        store(strip + r * kRowStep + i, swapped(rounded(load(a + r * lda + i, first(k - i))),
                                                std::make_integer_sequence<int, kLanes>()));
  }
};

// Transposed: A(row, k) is at a[k * lda + row].
struct ColumnsBf16 {
  static constexpr int64_t kPerStep = 2;
  static constexpr int64_t kRowStride = 1, kStepStride = kColumnStep;
  static AVOCADO_INLINE int64_t steps(int64_t k) { return (k + 1) / 2; }
  static AVOCADO_INLINE void copy(const float* a, int64_t lda, int64_t rows, int64_t k,
                                  float* strip) {
    for (int64_t s = 0; 2 * s < k; ++s) {
      const float* even = a + 2 * s * lda;
      __builtin_prefetch(even + kRowsAhead * lda, 0, 2);
      __builtin_prefetch(even + (kRowsAhead + 1) * lda, 0, 2);
      for (int64_t r = 0; r < rows; r += kLanes) {
        const Vec odd = 2 * s + 1 < k ? load(even + lda + r, first(rows - r)) : zero();
        store(strip + s * kColumnStep + r, bf16_pairs(load(even + r, first(rows - r)), odd));
      }
    }
  }
};

struct ColumnsRounded {
  static constexpr int64_t kPerStep = 1;
  static constexpr int64_t kRowStride = 1, kStepStride = kColumnStep;
  static AVOCADO_INLINE int64_t steps(int64_t k) { return RowsRounded::steps(k); }
  static AVOCADO_INLINE void copy(const float* a, int64_t lda, int64_t rows, int64_t k,
                                  float* strip) {
    for (int64_t s = 0; s < steps(k); ++s) {
      const int64_t from = s ^ 1;
      __builtin_prefetch(a + (from + kRowsAhead) * lda, 0, 2);
      for (int64_t r = 0; r < rows; r += kLanes)
        store(strip + s * kColumnStep + r,
              from < k ? rounded(load(a + from * lda + r, first(rows - r))) : zero());
    }
  }
};

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS::native
