#include "kernels/attention/block.h"
#include "kernels/attention/tile.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

namespace {

constexpr int kChunk = native::kProductRows;

// Rows of queries that move through the tiles together, and their running (max, sum).
struct Rows {
  const float* q;
  float* out;
  float* lse;
  float *max, *sum;
  int64_t count;
  int64_t stride, lse_stride;  // from row to row
  int64_t position, advance;   // of row r: position + r * advance
};

size_t forward_scratch(const AttentionBlock& block) {
  const int64_t rows = block.count == 1 ? block.group : block.count * block.group;
  return static_cast<size_t>(2 * rows + kChunk * kTile + kChunk * block.dim);
}

// p = exp(s - max) over [lo, hi), zero elsewhere; s is scaled first. Returns max and sum.
AVOCADO_LANES void softmax_tile(float* s, float scale, int lo, int hi, float* max_out,
                                float* sum_out) {
  const F32x16 minus_inf = splat(-__builtin_inff());
  F32x16 p[kTile / 16], m = minus_inf;
  for (int v = 0; v < kTile / 16; ++v) {
    p[v] = keep_range(splat(scale) * load(s + 16 * v), minus_inf, 16 * v, lo, hi);
    m = max(m, p[v]);
  }
  *max_out = max_lanes(m);
  F32x16 lanes = splat(0.0f);
  for (int v = 0; v < kTile / 16; ++v) {
    p[v] = keep_range(exp(p[v] - splat(*max_out)), splat(0.0f), 16 * v, lo, hi);
    lanes = lanes + p[v];
    store(s + 16 * v, p[v]);
  }
  *sum_out = sum(lanes);
}

// x = fma(x, a, y * b), or x = y when first.
AVOCADO_LANES void merge(float* x, const float* y, float a, float b, bool fresh, int64_t dim) {
  for (int64_t d = 0; d < dim; d += kLanes) {
    const int n = lanes_left(dim - d);
    const F32x16 o = load_some(y + d, n);
    store_some(x + d, fresh ? o : fma(load_some(x + d, n), splat(a), o * splat(b)), n);
  }
}

// Rows [r0, r0 + n) against one tile.
void tile_step(const AttentionBlock& block, const Rows& rows, int64_t r0, int64_t n, int64_t tile,
               float* p, float* o) {
  const int64_t dim = block.dim, tile_start = tile * kTile;
  int lo[kChunk], hi[kChunk];
  // Rows ascend in position, so those that see nothing of this tile stand at the ends.
  for (int64_t r = 0; r < n; ++r)
    visible_keys(block, rows.position + (r0 + r) * rows.advance, tile_start, lo + r, hi + r);
  int64_t skip = 0;
  while (skip < n && lo[skip] >= hi[skip]) ++skip;
  while (n > skip && lo[n - 1] >= hi[n - 1]) --n;
  if (skip == n) return;
  r0 += skip;
  n -= skip;

  const float* keys = block.pages[tile] + block.page_offset;
  const float* values = keys + dim * kTile;
  native::product_rows({rows.q + r0 * rows.stride, rows.stride, 1, keys, kTile, p, kTile, kTile}, 0,
                       n, 0, dim, false);
  float m[kLanes] = {}, l[kLanes] = {}, merged[kLanes] = {}, a[kLanes], b[kLanes];
  bool fresh[kLanes] = {};
  for (int64_t r = 0; r < n; ++r)
    softmax_tile(p + r * kTile, block.scale, lo[skip + r], hi[skip + r], m + r, l + r);
  native::product_ranges({p, kTile, 1, values, dim, o, dim, dim}, n, lo + skip, hi + skip, false);

  float old[kLanes] = {};
  for (int64_t r = 0; r < n; ++r) {
    const int64_t position = rows.position + (r0 + r) * rows.advance;
    const int64_t begin =
        block.window > 0 && position >= block.window ? position - block.window + 1 : 0;
    fresh[r] = tile == begin / kTile;
    old[r] = fresh[r] ? m[r] : rows.max[r0 + r];
    merged[r] = old[r] < m[r] ? m[r] : old[r];
  }
  store(a, exp(load(old) - load(merged)));
  store(b, exp(load(m) - load(merged)));
  for (int64_t r = 0; r < n; ++r) {
    merge(rows.out + (r0 + r) * rows.stride, o + r * dim, a[r], b[r], fresh[r], dim);
    float* sum = rows.sum + r0 + r;
    *sum = fresh[r] ? l[r] : __builtin_fmaf(*sum, a[r], l[r] * b[r]);
    rows.max[r0 + r] = merged[r];
  }
}

void finish(const Rows& rows, int64_t dim) {
  for (int64_t r = 0; r < rows.count; ++r) {
    float* out = rows.out + r * rows.stride;
    const F32x16 sum = splat(rows.sum[r]);
    for (int64_t d = 0; d < dim; d += kLanes) {
      const int n = lanes_left(dim - d);
      store_some(out + d, load_some(out + d, n) / sum, n);
    }
  }
  if (!rows.lse) return;
  for (int64_t r = 0; r < rows.count; r += kLanes) {
    const int n = lanes_left(rows.count - r);
    float lse[kLanes];
    store(lse, load_some(rows.max + r, n) + log(load_some(rows.sum + r, n)));
    for (int i = 0; i < n; ++i) rows.lse[(r + i) * rows.lse_stride] = lse[i];
  }
}

void forward(const AttentionBlock& block) {
  const int64_t dim = block.dim;
  // A single query (decoding): the heads of the group are the rows. Otherwise each head has the
  // positions as rows.
  const bool single = block.count == 1;
  const int64_t sets = single ? 1 : block.group;
  const int64_t count = single ? block.group : block.count;
  float* p = block.scratch + 2 * sets * count;
  float* o = p + kChunk * kTile;
  const auto rows_of = [&](int64_t h) {
    return Rows{block.q + h * dim,
                block.out + h * dim,
                block.lse ? block.lse + h : nullptr,
                block.scratch + 2 * h * count,
                block.scratch + (2 * h + 1) * count,
                count,
                single ? dim : block.heads * dim,
                single ? 1 : block.heads,
                block.start,
                single ? 0 : 1};
  };
  const int64_t oldest = block.window > 0 ? block.start - block.window + 1 : 0;
  const int64_t last = (block.start + block.count - 1) / kTile;
  for (int64_t tile = oldest > 0 ? oldest / kTile : 0; tile <= last; ++tile) {
    for (int64_t h = 0; h < sets; ++h) {
      const Rows rows = rows_of(h);
      for (int64_t r = 0; r < count; r += kChunk)
        tile_step(block, rows, r, count - r < kChunk ? count - r : kChunk, tile, p, o);
    }
  }
  for (int64_t h = 0; h < sets; ++h) finish(rows_of(h), dim);
}

constexpr AttentionKernels kKernels = {forward_scratch, forward, attention_backward_scratch,
                                       attention_backward_block};

}  // namespace

const AttentionKernels* attention_kernels() { return &kKernels; }

}  // namespace avocado::kernels::AVOCADO_ISA_NS
