#include "kernels/gemm/gemm.h"

#include "kernels/gemm/dot.h"
#include "kernels/gemm/strip.h"
#include "kernels/gemm/vector.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

namespace {

using namespace native;

// Rows of C that one task takes, in strips of at most kRows.
constexpr int64_t kTileRows = 112;
constexpr int64_t kTileRowsTransposed = 224;
constexpr int64_t kStrips = (kTileRowsTransposed + kRows - 1) / kRows;
// Strips of a transposed A are this far apart.
constexpr int64_t kStripStep = kBlock * kColumnStep + 48;
// Columns of a B of 16-bit floats that are widened at once.
constexpr int64_t kWideCols = 256;
// What a tile needs: strips of A and a panel of B where A is transposed, one strip of A, [row][k]
// or [k][row], and widened columns of B otherwise.
constexpr int64_t kScratchTransposed = kStrips * kStripStep + kBlock * kWidth;
constexpr int64_t kStrip =
    kRows * kRowStep > kBlock* kColumnStep ? kRows* kRowStep : kBlock* kColumnStep;
constexpr int64_t kScratchWide = kStrip + kBlock * kWideCols;
// Rows of B to fetch ahead of their use from the second-level cache.
constexpr int64_t kFetchAhead = 12;
constexpr int64_t kLine = 64;  // bytes

int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

// Where a kernel fetches memory that comes next: step s fetches the line at p + s * step.
struct Ahead {
  const float* p;
  int64_t step;
};

// R rows x V vectors of C, `steps` steps. A lies as Strip says (strip.h). Row s of panel p of B is
// at b + p * ldb + s * kWidth.
template <class Dot, class Strip, int R, int V>
void micro(const float* a, const typename Dot::Stored* b, int64_t ldb, int64_t steps, float* c,
           int64_t ldc, int64_t cols, bool accumulate, Ahead ahead) {
  Vec sum[R][V];
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v)
      sum[r][v] = accumulate ? Dot::begin(load(c + r * ldc + v * kLanes, first(cols - v * kLanes)))
                             : zero();
  }
#pragma GCC unroll 4
  for (int64_t s = 0; s < steps; ++s) {
    __builtin_prefetch(ahead.p, 0, 2);
    ahead.p += ahead.step;
    Vec bs[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      const auto* p = b + (v / kVectors) * ldb + (v % kVectors) * kLanes;
      bs[v] = load(p);
      constexpr int64_t per_line = kLine / sizeof *p;
      if (v * kLanes % per_line == 0) __builtin_prefetch(p + kFetchAhead * kWidth, 0, 3);
    }
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      const Vec as = splat(a + r * Strip::kRowStride);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[r][v] = Dot::step(as, bs[v], sum[r][v]);
    }
    a += Strip::kStepStride;
    b += kWidth;
  }
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v)
      store(c + r * ldc + v * kLanes, first(cols - v * kLanes), sum[r][v]);
  }
}

template <class Dot>
using Micro = void (*)(const float*, const typename Dot::Stored*, int64_t, int64_t, float*, int64_t,
                       int64_t, bool, Ahead);

// Panels a strip of few rows takes at a time: one panel has too few accumulators to hide the
// latency of an FMA.
constexpr int panels_at_once(int64_t rows) {
  return rows * kVectors * 4 <= kAccumulators ? 4 : rows * kVectors * 2 <= kAccumulators ? 2 : 1;
}

// Entry R - 1 is for R rows.
constexpr int capped(int rows) { return rows < kRows ? rows : kRows; }
#define AVOCADO_ROWS(F) \
  F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9), F(10), F(11), F(12), F(13), F(14)
#define AVOCADO_ONE(R) micro<Dot, Strip, capped(R), kVectors>
#define AVOCADO_WIDE(R) micro<Dot, Strip, capped(R), kVectors * panels_at_once(capped(R))>
template <class Dot, class Strip>
constexpr Micro<Dot> kOnePanel[] = {AVOCADO_ROWS(AVOCADO_ONE)};
template <class Dot, class Strip>
constexpr Micro<Dot> kManyPanels[] = {AVOCADO_ROWS(AVOCADO_WIDE)};
#undef AVOCADO_ONE
#undef AVOCADO_WIDE

// A tile's rows are dealt evenly to its strips.
int64_t strips_of(int64_t rows) { return (rows + kRows - 1) / kRows; }
int64_t strip_begin(int64_t rows, int64_t i) { return rows * i / strips_of(rows); }

// B comes packed. A strip of A is copied once and meets all panels.
template <class Dot, class Strip>
void multiply(const GemmTile& t) {
  const int64_t steps = Strip::steps(t.k);
  const int64_t panels = (t.cols + kWidth - 1) / kWidth;
  constexpr bool kByRows = Strip::kStepStride == 1;
  using Stored = typename Dot::Stored;
  const auto* b = reinterpret_cast<const Stored*>(t.b);
  const int64_t ldb = t.ldb * (sizeof(Stored) == 2 ? 2 : 1);  // t.ldb counts floats
  for (int64_t s0 = 0; s0 == 0 || s0 < steps; s0 += kBlock) {
    const int64_t count = min(kBlock, steps - s0);
    const int64_t k0 = s0 * Strip::kPerStep, k = min(t.k - k0, count * Strip::kPerStep);
    for (int64_t i = 0; i < strips_of(t.rows); ++i) {
      const int64_t r0 = strip_begin(t.rows, i), rows = strip_begin(t.rows, i + 1) - r0;
      const float* a = t.a + (kByRows ? r0 * t.lda + k0 : k0 * t.lda + r0);
      Strip::copy(a, t.lda, rows, k, t.scratch);
      int64_t taken = 0;
      for (int64_t p = 0; p < panels; p += taken) {
        const int64_t cols = t.cols - p * kWidth;
        const int many = panels_at_once(rows);
        taken = many * kWidth <= cols ? many : 1;
        const Micro<Dot> kernel =
            (taken > 1 ? kManyPanels<Dot, Strip> : kOnePanel<Dot, Strip>)[rows - 1];
        // The next strip of A, if it is rows of their own, comes from far; its fetching is spread
        // over this strip's panels.
        const int64_t share = kByRows ? rows * k / panels : 0;
        const float* next = kByRows ? a + rows * t.lda + p * share : a;
        kernel(t.scratch, b + p * ldb + s0 * kWidth, ldb, count, t.c + r0 * t.ldc + p * kWidth,
               t.ldc, cols, t.accumulate || s0 > 0, {next, count > 0 ? taken * share / count : 0});
      }
    }
  }
}

void add_bias(const GemmTile& t) {
  if (!t.bias) return;
  for (int64_t r = 0; r < t.rows; ++r) {
    for (int64_t j = 0; j < t.cols; ++j) t.c[r * t.ldc + j] += t.bias[j];
  }
}

void tile(const GemmTile& t) {
  multiply<DotF32, Rows>(t);
  add_bias(t);
}

// Steps [k0, k0 + count) of the panels of B, of `cols` columns, as floats: panels kBlock steps
// apart.
void widen(const GemmTile& t, int64_t k0, int64_t count, int64_t col, int64_t cols, float* wide) {
  const int64_t ldb = 2 * t.ldb;
  const auto* b = reinterpret_cast<const uint16_t*>(t.b) + col / kWidth * ldb + k0 * kWidth;
  for (int64_t p = 0; p * kWidth < cols; ++p)
    for (int64_t i = 0; i < count * kWidth; i += kLanes)
      store(wide + p * kBlock * kWidth + i, load(b + p * ldb + i));
}

// Up to two strips of A widen B in registers; for more of them it is done once, block by block,
// into memory that stays in the second-level cache.
void tile_f16(const GemmTile& t) {
  if (strips_of(t.rows) <= 2) {
    multiply<DotF16, Rows>(t);
  } else {
    float* wide = t.scratch + kStrip;
    for (int64_t k0 = 0; k0 == 0 || k0 < t.k; k0 += kBlock) {
      for (int64_t col = 0; col < t.cols; col += kWideCols) {
        GemmTile block = t;
        block.a += k0;
        block.b = wide;
        block.ldb = kBlock * kWidth;
        block.c += col;
        block.cols = min(kWideCols, t.cols - col);
        block.k = min(kBlock, t.k - k0);
        block.accumulate = t.accumulate || k0 > 0;
        widen(t, k0, block.k, col, block.cols, wide);
        multiply<DotF32, Rows>(block);
      }
    }
  }
  add_bias(t);
}

#if defined(__AVX2__)
// Pairs [s0, s0 + count) of the panels of B, as floats in the order of RowsRounded: panels kBlock
// steps apart.
void widen_pairs(const GemmTile& t, int64_t s0, int64_t count, int64_t col, int64_t cols,
                 float* wide) {
  const float* b = t.b + col / kWidth * t.ldb + s0 * kWidth;
  for (int64_t p = 0; p * kWidth < cols; ++p) {
    float* to = wide + p * kBlock * kWidth;
    for (int64_t s = 0; s < count; ++s, to += 2 * kWidth) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Vec pairs = load(b + p * t.ldb + s * kWidth + v * kLanes);
        store(to + v * kLanes, high_half(pairs));
        store(to + kWidth + v * kLanes, low_half(pairs));
      }
    }
  }
}

// Taking pairs apart in registers costs half as much as the FMAs themselves. So, as for f16, more
// than two strips of A do it once and are then a product of floats.
template <class Pairs, class Rounded>
void multiply_bf16(const GemmTile& t) {
  const unsigned old = begin_flush();
  if (strips_of(t.rows) <= 2) {
    multiply<DotBf16, Pairs>(t);
  } else {
    float* wide = t.scratch + kStrip;
    for (int64_t k0 = 0; k0 == 0 || k0 < t.k; k0 += kBlock) {
      for (int64_t col = 0; col < t.cols; col += kWideCols) {
        GemmTile block = t;
        block.a += Rounded::kStepStride == 1 ? k0 : k0 * t.lda;
        block.b = wide;
        block.ldb = kBlock * kWidth;
        block.c += col;
        block.cols = min(kWideCols, t.cols - col);
        block.k = min(kBlock, t.k - k0);
        block.accumulate = t.accumulate || k0 > 0;
        widen_pairs(t, k0 / 2, (block.k + 1) / 2, col, block.cols, wide);
        multiply<DotF32, Rounded>(block);
      }
    }
  }
  end_flush(old);
}

void tile_bf16(const GemmTile& t) {
  multiply_bf16<RowsBf16, RowsRounded>(t);
  add_bias(t);
}

void tile_transposed_bf16(const GemmTile& t) { multiply_bf16<ColumnsBf16, ColumnsRounded>(t); }
#else
void tile_bf16(const GemmTile& t) {
  multiply<DotBf16, RowsBf16>(t);
  add_bias(t);
}

void tile_transposed_bf16(const GemmTile& t) { multiply<DotBf16, ColumnsBf16>(t); }
#endif

#if defined(__AVX512F__) || defined(__aarch64__)
void tile_bf16_native(const GemmTile& t) {
  multiply<DotBf16Native, RowsBf16>(t);
  add_bias(t);
}

void tile_transposed_bf16_native(const GemmTile& t) { multiply<DotBf16Native, ColumnsBf16>(t); }
#endif

// Columns [0, cols) of `count` rows of B, the others zero.
void copy_panel(const float* src, int64_t ld, int64_t count, int64_t cols, float* panel) {
  for (int64_t s = 0; s < count; ++s) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      store(panel + s * kWidth + v * kLanes,
            load(src + s * ld + v * kLanes, first(cols - v * kLanes)));
    }
  }
}

// R rows x kVectors vectors of C, for a transposed A: element (r, s) is at a[s * lda + r], row s of
// the panel of B at b + s * ldb. With CopyA and CopyB they come from the matrices and are copied on
// the way, to where the next calls read them.
template <int R, bool CopyA, bool CopyB>
void micro_transposed(const float* a, int64_t lda, float* strip, const float* b, int64_t ldb,
                      float* panel, int64_t steps, float* c, int64_t ldc, int64_t cols,
                      bool accumulate) {
  Vec sum[R][kVectors];
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = accumulate ? load(c + r * ldc + v * kLanes, first(cols - v * kLanes)) : zero();
  }
#pragma GCC unroll 4
  for (int64_t s = 0; s < steps; ++s) {
    if (CopyA) {
      __builtin_prefetch(a + kRowsAhead * lda, 0, 2);
      __builtin_prefetch(a + kRowsAhead * lda + R - 1, 0, 2);
#pragma GCC unroll 4
      for (int l = 0; l < R; l += kLanes) store(strip + l, load(a + l, first(R - l)));
      strip += kColumnStep;
    }
    Vec bs[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      bs[v] = load(b + v * kLanes);
      if (CopyB) {
        if (v * kLanes % (kLine / 4) == 0)
          __builtin_prefetch(b + kRowsAhead * ldb + v * kLanes, 0, 2);
        store(panel + v * kLanes, bs[v]);
      }
    }
    if (CopyB) panel += kWidth;
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      const Vec as = splat(a + r);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] = fma(as, bs[v], sum[r][v]);
    }
    a += CopyA ? lda : kColumnStep;
    b += CopyB ? ldb : kWidth;
  }
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      store(c + r * ldc + v * kLanes, first(cols - v * kLanes), sum[r][v]);
  }
}

using MicroTransposed = void (*)(const float*, int64_t, float*, const float*, int64_t, float*,
                                 int64_t, float*, int64_t, int64_t, bool);

#define AVOCADO_TRANSPOSED(R) micro_transposed<capped(R), CopyA, CopyB>
template <bool CopyA, bool CopyB>
constexpr MicroTransposed kTransposed[] = {AVOCADO_ROWS(AVOCADO_TRANSPOSED)};
#undef AVOCADO_TRANSPOSED
#undef AVOCADO_ROWS

MicroTransposed transposed_kernel(int64_t rows, bool copy_a, bool copy_b) {
  if (copy_a) return (copy_b ? kTransposed<true, true> : kTransposed<true, false>)[rows - 1];
  return (copy_b ? kTransposed<false, true> : kTransposed<false, false>)[rows - 1];
}

// Both come [k][...]: the first panel's calls copy A into strips, the first strip's copy B, panel
// by panel, into the first-level cache.
void tile_transposed(const GemmTile& t) {
  const int64_t strips = strips_of(t.rows);
  float* panel = t.scratch + kStrips * kStripStep;
  for (int64_t k0 = 0; k0 < t.k; k0 += kBlock) {
    const int64_t count = min(kBlock, t.k - k0);
    const float* a = t.a + k0 * t.lda;
    const float* b = t.b + k0 * t.ldb;
    for (int64_t j = 0; j < t.cols; j += kWidth) {
      const bool whole = j + kWidth <= t.cols;
      if (!whole) copy_panel(b + j, t.ldb, count, t.cols - j, panel);
      for (int64_t i = 0; i < strips; ++i) {
        const int64_t r0 = strip_begin(t.rows, i), rows = strip_begin(t.rows, i + 1) - r0;
        float* strip = t.scratch + i * kStripStep;
        const bool copy_a = j == 0, copy_b = i == 0 && whole;
        transposed_kernel(rows, copy_a, copy_b)(
            copy_a ? a + r0 : strip, t.lda, strip, copy_b ? b + j : panel, t.ldb, panel, count,
            t.c + r0 * t.ldc + j, t.ldc, t.cols - j, t.accumulate || k0 > 0);
      }
    }
  }
}

void pack(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0, int64_t p1,
          float* panels) {
  for (int64_t p = p0; p < p1; ++p)
    copy_panel(w + p * kWidth, ld, k, cols - p * kWidth, panels + p * k * kWidth);
}

void pack_transposed(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0, int64_t p1,
                     float* panels) {
  for (int64_t p = p0; p < p1; ++p) {
    for (int64_t j = p * kWidth; j < (p + 1) * kWidth; j += 4) {
      float* dst = panels + p * k * kWidth + j % kWidth;
      const float* src = w + j * ld;
      int64_t s = 0;
      if (j + 4 <= cols) {
        for (; s + 4 <= k; s += 4) transpose4(src + s, ld, dst + s * kWidth, kWidth);
      }
      for (; s < k; ++s) {
        for (int64_t i = 0; i < 4; ++i) dst[s * kWidth + i] = j + i < cols ? src[i * ld + s] : 0.0f;
      }
    }
  }
}

void pack_bf16(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0, int64_t p1,
               float* panels) {
  const int64_t steps = (k + 1) / 2;
  for (int64_t p = p0; p < p1; ++p) {
    for (int64_t s = 0; s < steps; ++s) {
      const float* even = w + 2 * s * ld + p * kWidth;
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Mask some = first(cols - p * kWidth - v * kLanes);
        const Vec odd = 2 * s + 1 < k ? load(even + ld + v * kLanes, some) : zero();
        store(panels + (p * steps + s) * kWidth + v * kLanes,
              bf16_pairs(load(even + v * kLanes, some), odd));
      }
    }
  }
}

void pack_transposed_bf16(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0,
                          int64_t p1, float* panels) {
  const int64_t steps = (k + 1) / 2;
  float pairs[4][kBlock];
  for (int64_t p = p0; p < p1; ++p) {
    for (int64_t j = p * kWidth; j < (p + 1) * kWidth; j += 4) {
      for (int64_t s0 = 0; s0 < steps; s0 += kBlock) {
        const int64_t count = min(kBlock, steps - s0);
        for (int64_t i = 0; i < 4; ++i) {
          if (j + i < cols)
            pair_row(w + (j + i) * ld + 2 * s0, min(k - 2 * s0, 2 * kBlock), pairs[i]);
          else
            for (int64_t s = 0; s < count; ++s) pairs[i][s] = 0;
        }
        float* dst = panels + (p * steps + s0) * kWidth + j % kWidth;
        int64_t s = 0;
        for (; s + 4 <= count; s += 4) transpose4(pairs[0] + s, kBlock, dst + s * kWidth, kWidth);
        for (; s < count; ++s)
          for (int64_t i = 0; i < 4; ++i) __builtin_memcpy(dst + s * kWidth + i, pairs[i] + s, 4);
      }
    }
  }
}

constexpr GemmKernels kKernels = {
    .width = kWidth,
    .max_rows = kTileRows,
    .max_rows_transposed = kTileRowsTransposed,
    .scratch = kScratchWide > kScratchTransposed ? kScratchWide : kScratchTransposed,
    .pack = pack,
    .pack_transposed = pack_transposed,
    .pack_bf16 = pack_bf16,
    .pack_transposed_bf16 = pack_transposed_bf16,
    .tile = tile,
    .tile_f16 = tile_f16,
    .tile_transposed = tile_transposed,
    .tile_bf16 = tile_bf16,
    .tile_transposed_bf16 = tile_transposed_bf16,
#if defined(__AVX512F__) || defined(__aarch64__)
    .tile_bf16_native = tile_bf16_native,
    .tile_transposed_bf16_native = tile_transposed_bf16_native,
#else
    .tile_bf16_native = nullptr,
    .tile_transposed_bf16_native = nullptr,
#endif
};

}  // namespace

const GemmKernels* gemm_kernels() { return &kKernels; }

}  // namespace avocado::kernels::AVOCADO_ISA_NS
