#include "kernels/attention/block.h"
#include "kernels/attention/cached_tile.h"
#include "kernels/attention/panel.h"
#include "kernels/attention/tile.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

namespace {

using native::Visible;

// Rows of a block: its positions times the heads of the group, the heads of a position together,
// so that neighbours see the same keys. They move through a tile in panels of kPanel.
constexpr int64_t kPanel = native::kRows;

// What the tiles so far give for rows: the largest score, the sum of weights, and of values.
// It begins as (-inf, 0, -0): merging the first tile into that is exact, even for a sum of -0.
struct State {
  float *max, *sum, *o;
};

// The state of `rows` rows at `at`, each array with room for whole vectors.
State state_at(float* at, int64_t rows) {
  const int64_t padded = (rows + kLanes - 1) / kLanes * kLanes + kLanes;
  return {at, at + padded, at + 2 * padded};
}
int64_t state_floats(int64_t rows, int64_t stride) {
  return 2 * ((rows + kLanes - 1) / kLanes * kLanes + kLanes) + rows * stride;
}

int64_t rows_of(const AttentionBlock& block) { return block.count * block.group; }
int64_t panels_of(const AttentionBlock& block) { return (rows_of(block) + kPanel - 1) / kPanel; }

struct Scratch {
  float *q, *keys, *values, *s;
  State state;
};

size_t forward_scratch(const AttentionBlock& block) {
  return static_cast<size_t>(panels_of(block) * kPanel * block.dim + kTile * block.dim +
                             kTile * block.layout.value_stride + kPanel * kTile +
                             state_floats(rows_of(block), block.layout.value_stride));
}

Scratch scratch_of(const AttentionBlock& block) {
  Scratch scratch;
  scratch.keys = block.scratch;
  scratch.values = scratch.keys + kTile * block.dim;
  scratch.s = scratch.values + kTile * block.layout.value_stride;
  scratch.q = scratch.s + kPanel * kTile;
  scratch.state = state_at(scratch.q + panels_of(block) * kPanel * block.dim, rows_of(block));
  return scratch;
}

size_t partial_floats(const AttentionBlock& block) {
  return static_cast<size_t>(state_floats(rows_of(block), block.layout.value_stride));
}

// q[panel][dim][kPanel]
void pack_queries(const AttentionBlock& block, float* q) {
  for (int64_t r = 0; r < rows_of(block); ++r) {
    const float* row = block.q + (r / block.group * block.heads + r % block.group) * block.dim;
    float* to = q + r / kPanel * kPanel * block.dim + r % kPanel;
    for (int64_t d = 0; d < block.dim; ++d) to[d * kPanel] = row[d];
  }
}

void clear(const State& state, int64_t rows, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    state.max[r] = -__builtin_inff();
    state.sum[r] = 0.0f;
  }
  for (int64_t i = 0; i < rows * stride; ++i) state.o[i] = -0.0f;
}

// Fills `see` for n rows from row r on; false when one of them does not see the whole tile.
bool look(const AttentionBlock& block, int64_t r, int64_t n, int64_t tile_start, Visible* see) {
  const int64_t oldest = block.start + r / block.group;
  const int64_t newest = block.start + (r + n - 1) / block.group;
  see->first = see->begin = 0;
  see->end = see->last = kTile;
  if (tile_start + kTile <= oldest + 1 &&
      (block.window == 0 || newest - block.window + 1 <= tile_start))
    return true;
  see->first = kTile;
  see->last = 0;
  for (int64_t i = 0; i < n; ++i) {
    int *lo = see->lo + i, *hi = see->hi + i;
    visible_keys(block, block.start + (r + i) / block.group, tile_start, lo, hi);
    see->first = *lo < see->first ? *lo : see->first;
    see->begin = *lo > see->begin ? *lo : see->begin;
    see->end = *hi < see->end ? *hi : see->end;
    see->last = *hi > see->last ? *hi : see->last;
  }
  if (see->begin >= see->end) see->begin = see->end = see->last;
  return false;
}

// Of the 16 keys from j, those in [lo, hi) keep x, the others get `other`.
AVOCADO_LANES F32x16 keep_range(F32x16 x, F32x16 other, int j, int lo, int hi) {
  if (hi < j + 16) x = select(first_n(hi > j ? hi - j : 0), x, other);
  if (lo > j) x = select(first_n(lo < j + 16 ? lo - j : 16), other, x);
  return x;
}

// p = exp(s - max) over the keys that each of n rows sees, zero elsewhere. Lane r of *max, *sum is
// row r's. Rows come together, because a tree per row would cost as much as the exponentials.
template <bool kWhole>
AVOCADO_LANES void softmax(float* s, int n, const Visible& see, F32x16* max_out, F32x16* sum_out) {
  const F32x16 minus_inf = splat(-__builtin_inff());
  const auto outside = [&](int v) { return 16 * v + 16 <= see.first || 16 * v >= see.last; };
  F32x16 lanes[kLanes];
  for (int r = n; r < kLanes; ++r) lanes[r] = minus_inf;
  for (int r = 0; r < n; ++r) {
    F32x16 m = minus_inf;
    for (int v = 0; v < kTile / 16; ++v) {
      if (!kWhole && outside(v)) continue;
      F32x16 x = load(s + r * kTile + 16 * v);
      if (!kWhole) x = keep_range(x, minus_inf, 16 * v, see.lo[r], see.hi[r]);
      m = max(x, m);
    }
    lanes[r] = m;
  }
  *max_out = max_rows(lanes);
  float largest[kLanes];
  store(largest, *max_out);
  for (int r = n; r < kLanes; ++r) lanes[r] = splat(0.0f);
  for (int r = 0; r < n; ++r) {
    F32x16 total = splat(0.0f);
    for (int v = 0; v < kTile / 16; ++v) {
      if (!kWhole && outside(v)) continue;
      float* at = s + r * kTile + 16 * v;
      F32x16 p = exp_bounded(load(at) - splat(largest[r]));
      if (!kWhole) p = keep_range(p, splat(0.0f), 16 * v, see.lo[r], see.hi[r]);
      store(at, p);
      total = total + p;
    }
    lanes[r] = total;
  }
  *sum_out = sum_rows(lanes);
}

// Rows [r, r + n) against one tile.
void panel_step(const AttentionBlock& block, const Scratch& scratch, const State& state, int64_t r,
                int64_t n, int64_t tile, const Stored& keys, const Stored& values,
                const char* next) {
  const int64_t dim = block.dim, stride = block.layout.value_stride;
  const float* q = scratch.q + r * dim;  // r is a multiple of kPanel
  Visible see;
  bool whole = look(block, r, n, tile * kTile, &see);
  if (!whole) {
    // Positions ascend, so rows that see nothing of this tile stand at the ends.
    int64_t skip = 0;
    while (skip < n && see.lo[skip] >= see.hi[skip]) ++skip;
    while (n > skip && see.lo[n - 1] >= see.hi[n - 1]) --n;
    if (skip == n) return;
    n -= skip;
    r += skip;
    q += skip;
    whole = look(block, r, n, tile * kTile, &see);
  }
  const int64_t from = see.first / 16 * 16, to = (see.last + 15) / 16 * 16;
  native::Ahead next_keys, next_values;
  if (next) {
    const HeadLayout& layout = block.layout;
    next_keys = {next, layout.key_scales / dim};
    next_values = {next + layout.values, (layout.value_scales - layout.values) / kTile};
  }
  const int lanes = static_cast<int>(n);
  if (keys.halves) {
    native::scores<uint16_t>({q, keys.halves, dim, block.scale, scratch.s, next_keys}, lanes, from,
                             to);
  } else {
    native::scores<float>({q, keys.floats, dim, block.scale, scratch.s, next_keys}, lanes, from,
                          to);
  }

  F32x16 m, l;
  if (whole) {
    softmax<true>(scratch.s, lanes, see, &m, &l);
  } else {
    softmax<false>(scratch.s, lanes, see, &m, &l);
  }
  const auto sum_values = [&](const float* a, const float* b) {
    float* o = state.o + r * stride;
    if (values.halves) {
      native::sums<uint16_t>({scratch.s, values.halves, stride, o, a, b, &see, next_values}, lanes);
    } else {
      native::sums<float>({scratch.s, values.floats, stride, o, a, b, &see, next_values}, lanes);
    }
  };
  if (block.partials) {
    sum_values(nullptr, nullptr);
    store_some(state.max + r, m, lanes);
    store_some(state.sum + r, l, lanes);
    return;
  }
  float a[kLanes], b[kLanes];
  const F32x16 old = load(state.max + r);
  const F32x16 merged = select(old < m, m, old);
  const F32x16 scale_old = exp_bounded(old - merged), scale_new = exp_bounded(m - merged);
  store(a, scale_old);
  store(b, scale_new);
  store_some(state.max + r, merged, lanes);
  store_some(state.sum + r, fma(load(state.sum + r), scale_old, l * scale_new), lanes);
  sum_values(a, b);
}

// out = o / sum and lse of rows [begin, end), whose state begins at `begin`.
void finish(const AttentionBlock& block, const State& state, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const int64_t row = r / block.group * block.heads + r % block.group;
    const float* o = state.o + (r - begin) * block.layout.value_stride;
    const F32x16 sum = splat(state.sum[r - begin]);
    for (int64_t d = 0; d < block.dim; d += kLanes)
      store_some(block.out + row * block.dim + d, load(o + d) / sum, lanes_left(block.dim - d));
    if (!block.lse) continue;
    float lse[kLanes];
    store(lse, splat(state.max[r - begin]) + log(sum));
    block.lse[row] = lse[0];
  }
}

void forward(const AttentionBlock& block) {
  const Scratch scratch = scratch_of(block);
  const int64_t rows = rows_of(block), stride = block.layout.value_stride;
  pack_queries(block, scratch.q);
  State state = scratch.state;
  if (!block.partials) clear(state, rows, stride);
  for (int64_t tile = block.tile_begin; tile < block.tile_end; ++tile) {
    const char* part = block.pages[tile] + block.page_offset;
    const char* next =
        tile + 1 < block.tile_end ? block.pages[tile + 1] + block.page_offset : nullptr;
    // Many panels read the tile: it is widened once. One panel widens as it reads.
    Stored keys, values;
    if (block.key_type == CacheType::f16 && rows <= kPanel) {
      keys.halves = reinterpret_cast<const uint16_t*>(part);
    } else {
      keys.floats = tile_keys(block, part, scratch.keys);
    }
    if (block.value_type == CacheType::f16 && rows <= kPanel) {
      values.halves = reinterpret_cast<const uint16_t*>(part + block.layout.values);
    } else {
      values.floats = tile_values(block, part, scratch.values);
    }
    if (block.partials) {
      float* at = block.partials + (tile - block.tile_begin) * state_floats(rows, stride);
      state = state_at(at, rows);
    }
    for (int64_t r = 0; r < rows; r += kPanel)
      panel_step(block, scratch, state, r, rows - r < kPanel ? rows - r : kPanel, tile, keys,
                 values, r == 0 ? next : nullptr);
  }
  if (!block.partials) finish(block, state, 0, rows);
}

void merge(const AttentionBlock& block, int64_t row) {
  const int64_t rows = rows_of(block), stride = block.layout.value_stride;
  const State merged = state_at(block.scratch, 1);
  clear(merged, 1, stride);
  F32x16 max = splat(*merged.max), sum = splat(*merged.sum);
  float* at = block.partials;
  for (int64_t tile = block.tile_begin; tile < block.tile_end; ++tile) {
    const State one = state_at(at, rows);
    at += state_floats(rows, stride);
    int lo, hi;
    visible_keys(block, block.start + row / block.group, tile * kTile, &lo, &hi);
    if (lo >= hi) continue;
    const F32x16 m = splat(one.max[row]), largest = select(max < m, m, max);
    const F32x16 a = exp_bounded(max - largest), b = exp_bounded(m - largest);
    max = largest;
    sum = fma(sum, a, splat(one.sum[row]) * b);
    for (int64_t d = 0; d < stride; d += kLanes)
      store(merged.o + d, fma(load(merged.o + d), a, load(one.o + row * stride + d) * b));
  }
  store(merged.max, max);
  store(merged.sum, sum);
  finish(block, merged, row, row + 1);
}

constexpr AttentionKernels kKernels = {
    forward_scratch,         forward, partial_floats, merge, attention_backward_scratch,
    attention_backward_block};

}  // namespace

const AttentionKernels* attention_kernels() { return &kKernels; }

}  // namespace avocado::kernels::AVOCADO_ISA_NS
