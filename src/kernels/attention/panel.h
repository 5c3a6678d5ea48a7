#pragma once
// The two products of a tile of keys with a panel of queries, accumulators in registers: at most
// kRows rows (kernels/gemm/vector.h), each output one accumulator, one FMA per step. Keys and
// values are read as they lie in the cache, float or half (E), where each is read once.

#include <cstdint>

#include "kernels/attention/page.h"
#include "kernels/gemm/vector.h"

namespace avocado::kernels::AVOCADO_ISA_NS::native {
namespace {

// Registers in 16 lanes, the step in which columns are counted.
constexpr int kStep = 16 / kLanes;

// Columns of a tile of `rows`, in vectors: as wide as the registers allow, up to a tile of keys.
constexpr int wide(int rows) {
  int vectors = kStep;
  while (2 * vectors * rows <= kAccumulators && 2 * vectors * kLanes <= 64) vectors *= 2;
  return vectors;
}

// Cache that will be read next, asked for bit by bit while a product runs: reading memory and
// computing then go on together.
struct Ahead {
  const char* from = nullptr;
  int64_t bytes = 0;  // per step of the product; 0: nothing
};
AVOCADO_INLINE void ask(Ahead& ahead) {
  for (int64_t i = 0; i < ahead.bytes; i += 64) __builtin_prefetch(ahead.from + i, 0, 2);
  ahead.from += ahead.bytes;
}

// Scores of rows against 64 keys: s[r, j] = scale * sum_d q[d, r] * keys[d, j].
template <class E>
struct Scores {
  const float* q;  // [dim][kRows], at the first row
  const E* keys;   // [dim][kTile]
  int64_t dim;
  float scale;
  float* s;  // [rows][kTile]
  Ahead ahead;
};

template <class E, int R, int V>
void scores_tile(const Scores<E>& t, int64_t j) {
  Vec sum[R][V];
#pragma GCC unroll 14
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[i][v] = zero();
  }
  const float* q = t.q;
  const E* keys = t.keys + j;
  Ahead ahead = j == 0 ? t.ahead : Ahead{};
  for (int64_t d = 0; d < t.dim; ++d) {
    Vec k[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) k[v] = load(keys + v * kLanes);
#pragma GCC unroll 14
    for (int i = 0; i < R; ++i) {
      const Vec x = splat(q + i);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[i][v] = fma(x, k[v], sum[i][v]);
    }
    q += kRows;
    keys += kTile;
    ask(ahead);
  }
  const Vec scale = splat(&t.scale);
#pragma GCC unroll 14
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) store(t.s + i * kTile + j + v * kLanes, mul(scale, sum[i][v]));
  }
}

// Which keys of a tile each row of a panel sees: [lo, hi). All see [begin, end); none sees a key
// outside of [first, last).
struct Visible {
  int lo[16], hi[16];
  int first, begin, end, last;
};

// Sums of values: o[r, d] = sum_j p[r, j] * values[j, d] over the keys that row r sees, then
// merged into what stands at o: fma(o, a[r], sum * b[r]); only stored when a is null.
template <class E>
struct Sums {
  const float* p;   // [rows][kTile]
  const E* values;  // [kTile][stride]
  int64_t stride;
  float* o;  // [rows][stride]
  const float *a, *b;
  const Visible* visible;
  Ahead ahead;
};

// Keys [from, to), which some of the rows see.
template <class E, int R, int V>
AVOCADO_INLINE void add_ragged(const Sums<E>& t, int64_t d, int from, int to, Vec (&sum)[R][V]) {
  for (int j = from; j < to; ++j) {
    Vec x[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) x[v] = load(t.values + j * t.stride + d + v * kLanes);
#pragma GCC unroll 14
    for (int i = 0; i < R; ++i) {
      if (j < t.visible->lo[i] || j >= t.visible->hi[i]) continue;
      const Vec p = splat(t.p + i * kTile + j);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[i][v] = fma(p, x[v], sum[i][v]);
    }
  }
}

template <class E, int R, int V>
void sums_tile(const Sums<E>& t, int64_t d) {
  Vec sum[R][V];
#pragma GCC unroll 14
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[i][v] = zero();
  }
  const Visible& see = *t.visible;
  add_ragged<E, R, V>(t, d, see.first, see.begin, sum);
  const float* p = t.p + see.begin;
  Ahead ahead = d == 0 ? t.ahead : Ahead{};
  const E* values = t.values + see.begin * t.stride + d;
  for (int j = see.begin; j < see.end; ++j) {
    Vec x[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) x[v] = load(values + v * kLanes);
#pragma GCC unroll 14
    for (int i = 0; i < R; ++i) {
      const Vec pi = splat(p + i * kTile);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[i][v] = fma(pi, x[v], sum[i][v]);
    }
    ++p;
    values += t.stride;
    ask(ahead);
  }
  add_ragged<E, R, V>(t, d, see.end, see.last, sum);
#pragma GCC unroll 14
  for (int i = 0; i < R; ++i) {
    float* o = t.o + i * t.stride + d;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      if (t.a == nullptr) {
        store(o + v * kLanes, sum[i][v]);
      } else {
        store(o + v * kLanes,
              fma(load(o + v * kLanes), splat(t.a + i), mul(sum[i][v], splat(t.b + i))));
      }
    }
  }
}

template <class E, int... R>
struct Rows {
  static constexpr void (*kScores[])(const Scores<E>&, int64_t) = {scores_tile<E, R, wide(R)>...};
  static constexpr void (*kScoresStep[])(const Scores<E>&, int64_t) = {scores_tile<E, R, kStep>...};
  static constexpr void (*kSums[])(const Sums<E>&, int64_t) = {sums_tile<E, R, wide(R)>...};
  static constexpr void (*kSumsStep[])(const Sums<E>&, int64_t) = {sums_tile<E, R, kStep>...};
};
#if defined(__AVX512F__)
template <class E>
using Tiles = Rows<E, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
#else
template <class E>
using Tiles = Rows<E, 1, 2, 3, 4, 5, 6>;
#endif
static_assert(sizeof(Tiles<float>::kSums) == kRows * sizeof(Tiles<float>::kSums[0]));

// Columns [from, to), multiples of 16.
template <class Product>
AVOCADO_INLINE void columns(const Product& t, int rows,
                            void (*const* whole)(const Product&, int64_t),
                            void (*const* step)(const Product&, int64_t), int64_t from,
                            int64_t to) {
  const int64_t width = wide(rows) * kLanes;
  for (; from + width <= to; from += width) whole[rows - 1](t, from);
  for (; from < to; from += 16) step[rows - 1](t, from);
}

template <class E>
void scores(const Scores<E>& t, int rows, int64_t from, int64_t to) {
  columns(t, rows, Tiles<E>::kScores, Tiles<E>::kScoresStep, from, to);
}

template <class E>
void sums(const Sums<E>& t, int rows) {
  columns(t, rows, Tiles<E>::kSums, Tiles<E>::kSumsStep, 0, t.stride);
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS::native
