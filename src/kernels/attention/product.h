#pragma once
// Small matrix products between tiles that lie in the caches: each output one accumulator, k
// ascending, one FMA per k.

#include <cstdint>

#include "kernels/gemm/vector.h"

namespace avocado::kernels::AVOCADO_ISA_NS::native {
namespace {

// C[rows, cols] (+)= A * B with A(r, k) = a[r * a_row + k * a_step], B(k, j) = b[k * b_row + j].
struct Product {
  const float* a;
  int64_t a_row, a_step;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  int64_t cols;
};

constexpr int kProductRows = 6;
constexpr int kProductVectors = kAccumulators / kProductRows;

// Rows [r, r + R), columns [j, j + V vectors), k in [k0, k1). Partial: the last vector is cut at
// `cols`.
template <int R, int V, bool Partial>
void product_tile(const Product& p, int64_t r, int64_t j, int64_t k0, int64_t k1, bool accumulate) {
  float* c = p.c + r * p.c_row + j;
  const Mask mask = first(p.cols - j);
  Vec sum[R][V];
#pragma GCC unroll 6
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const float* from = c + i * p.c_row + v * kLanes;
      sum[i][v] = !accumulate ? zero() : Partial ? load(from, mask) : load(from);
    }
  }
  const float* b = p.b + k0 * p.b_row + j;
  const float* a[R];
#pragma GCC unroll 6
  for (int i = 0; i < R; ++i) a[i] = p.a + (r + i) * p.a_row + k0 * p.a_step;
  for (int64_t k = k0; k < k1; ++k) {
    Vec bs[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) bs[v] = Partial ? load(b, mask) : load(b + v * kLanes);
#pragma GCC unroll 6
    for (int i = 0; i < R; ++i) {
      const Vec as = splat(a[i]);
      a[i] += p.a_step;
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[i][v] = fma(as, bs[v], sum[i][v]);
    }
    b += p.b_row;
  }
#pragma GCC unroll 6
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      float* to = c + i * p.c_row + v * kLanes;
      if (Partial) {
        store(to, mask, sum[i][v]);
      } else {
        store(to, sum[i][v]);
      }
    }
  }
}

using ProductTile = void (*)(const Product&, int64_t, int64_t, int64_t, int64_t, bool);
template <int V, bool Partial>
constexpr ProductTile kProductTile[kProductRows] = {
    product_tile<1, V, Partial>, product_tile<2, V, Partial>, product_tile<3, V, Partial>,
    product_tile<4, V, Partial>, product_tile<5, V, Partial>, product_tile<6, V, Partial>};

// At most kProductRows rows from r.
void product_rows(const Product& p, int64_t r, int64_t rows, int64_t k0, int64_t k1,
                  bool accumulate) {
  int64_t j = 0;
  constexpr int64_t kWide = kProductVectors * kLanes;
  for (; j + kWide <= p.cols; j += kWide)
    kProductTile<kProductVectors, false>[rows - 1](p, r, j, k0, k1, accumulate);
  for (; j + 2 * kLanes <= p.cols; j += 2 * kLanes)
    kProductTile<2, false>[rows - 1](p, r, j, k0, k1, accumulate);
  for (; j + kLanes <= p.cols; j += kLanes)
    kProductTile<1, false>[rows - 1](p, r, j, k0, k1, accumulate);
  if (j < p.cols) kProductTile<1, true>[rows - 1](p, r, j, k0, k1, accumulate);
}

// Row r sums over k in [lo[r], hi[r]) only. The ranges of neighbouring rows overlap in most cases:
// what is common to a few rows is done together, what comes before and after row by row.
AVOCADO_INLINE void product_ranges(const Product& p, int64_t rows, const int* lo, const int* hi,
                                   bool accumulate) {
  for (int64_t r = 0; r < rows; r += kProductRows) {
    const int64_t n = rows - r < kProductRows ? rows - r : kProductRows;
    int begin = lo[r], end = hi[r];
    for (int64_t i = r; i < r + n; ++i) {
      begin = lo[i] > begin ? lo[i] : begin;
      end = hi[i] < end ? hi[i] : end;
    }
    if (begin >= end) {
      for (int64_t i = r; i < r + n; ++i) product_rows(p, i, 1, lo[i], hi[i], accumulate);
      continue;
    }
    bool started = accumulate;
    for (int64_t i = r; i < r + n; ++i) {
      if (lo[i] < begin && !accumulate) started = true;
    }
    if (started) {
      for (int64_t i = r; i < r + n; ++i) product_rows(p, i, 1, lo[i], begin, accumulate);
    }
    product_rows(p, r, n, begin, end, started);
    for (int64_t i = r; i < r + n; ++i) {
      if (hi[i] > end) product_rows(p, i, 1, end, hi[i], true);
    }
  }
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS::native
