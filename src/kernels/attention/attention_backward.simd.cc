#include "kernels/attention/product.h"
#include "kernels/attention/tile.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

// Queries whose P and dS exist at a time.
constexpr int64_t kQueries = 48;

// dst[c, r] = src[r, c]; rows and cols of any size, rows of src `ld` apart.
void transpose(const float* src, int64_t ld, int64_t rows, int64_t cols, float* dst) {
  for (int64_t r = 0; r < rows; r += 4) {
    for (int64_t c = 0; c < cols; c += 4) {
      if (r + 4 <= rows && c + 4 <= cols) {
        native::transpose4(src + r * ld + c, ld, dst + c * rows + r, rows);
        continue;
      }
      for (int64_t i = r; i < rows && i < r + 4; ++i) {
        for (int64_t j = c; j < cols && j < c + 4; ++j) dst[j * rows + i] = src[i * ld + j];
      }
    }
  }
}

// <a, b>: 16 lanes, one FMA each, tree.
AVOCADO_LANES float dot(const float* a, const float* b, int64_t dim) {
  F32x16 lanes = splat(0.0f);
  for (int64_t d = 0; d < dim; d += kLanes) {
    const int n = lanes_left(dim - d);
    lanes = replace_some(fma(load_some(a + d, n), load_some(b + d, n), lanes), lanes, n);
  }
  return sum(lanes);
}

// s -> p = exp(scale * s - lse), dp -> ds = p * (dp - delta).
AVOCADO_LANES void softmax_gradient(float* p, float* ds, float scale, float lse, float delta) {
  for (int64_t j = 0; j < kTile; j += 16) {
    const F32x16 e = exp(splat(scale) * load(p + j) - splat(lse));
    store(p + j, e);
    store(ds + j, e * (load(ds + j) - splat(delta)));
  }
}

void fill_zero(float* p, int64_t count) {
  for (int64_t i = 0; i < count; ++i) p[i] = 0.0f;
}

void scale_rows(float* p, int64_t rows, int64_t stride, int64_t dim, float scale) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t d = 0; d < dim; ++d) p[r * stride + d] *= scale;
  }
}

}  // namespace

size_t attention_backward_scratch(const AttentionBlock& block) {
  return static_cast<size_t>(block.group * block.count + 4 * kTile * block.dim +
                             2 * kQueries * kTile);
}

void attention_backward_block(const AttentionBlock& block) {
  const int64_t dim = block.dim, count = block.count, stride = block.heads * dim;
  const int64_t kv_stride = block.kv_heads * dim;
  float* delta = block.scratch;  // [group][count]
  float* key_rows = delta + block.group * count;
  float* value_columns = key_rows + kTile * dim;
  float* dk = value_columns + kTile * dim;
  float* dv = dk + kTile * dim;
  float* p = dv + kTile * dim;
  float* ds = p + kQueries * kTile;

  for (int64_t h = 0; h < block.group; ++h) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = i * stride + h * dim;
      delta[h * count + i] = dot(block.dout + at, block.forward_out + at, dim);
      fill_zero(block.dq + at, dim);
    }
  }
  for (int64_t t0 = 0; t0 < count; t0 += kTile) {
    const char* part = block.pages[t0 / kTile] + block.page_offset;
    const auto* keys = reinterpret_cast<const float*>(part);
    const auto* values = reinterpret_cast<const float*>(part + block.layout.values);
    const int64_t tile = count - t0 < kTile ? count - t0 : kTile;
    transpose(keys, kTile, dim, kTile, key_rows);
    transpose(values, block.layout.value_stride, kTile, dim, value_columns);
    fill_zero(dk, kTile * dim);
    fill_zero(dv, kTile * dim);
    // The last key of the tile is seen up to this query.
    const int64_t reach = block.window > 0 ? t0 + tile - 1 + block.window : count;
    const int64_t end = reach < count ? reach : count;
    for (int64_t h = 0; h < block.group; ++h) {
      for (int64_t i0 = t0; i0 < end; i0 += kQueries) {
        const int64_t n = end - i0 < kQueries ? end - i0 : kQueries;
        const int64_t at = i0 * stride + h * dim;
        const float* q = block.q + at;
        const float* dout = block.dout + at;
        for (int64_t r = 0; r < n; r += native::kProductRows) {
          const int64_t rows = n - r < native::kProductRows ? n - r : native::kProductRows;
          native::product_rows({q, stride, 1, keys, kTile, p, kTile, kTile}, r, rows, 0, dim,
                               false);
          native::product_rows({dout, stride, 1, value_columns, kTile, ds, kTile, kTile}, r, rows,
                               0, dim, false);
        }
        int lo[kQueries], hi[kQueries];
        for (int64_t r = 0; r < n; ++r) {
          softmax_gradient(p + r * kTile, ds + r * kTile, block.scale,
                           block.forward_lse[(i0 + r) * block.heads + h],
                           delta[h * count + i0 + r]);
          visible_keys(block, i0 + r, t0, lo + r, hi + r);
        }
        native::product_ranges({ds, kTile, 1, key_rows, dim, block.dq + at, stride, dim}, n, lo, hi,
                               true);
        // Key j is seen by the queries from j on, up to the window.
        int from[kTile], to[kTile];
        for (int64_t j = 0; j < tile; ++j) {
          const int64_t first = t0 + j - i0;
          const int64_t last = block.window > 0 ? first + block.window : n;
          from[j] = static_cast<int>(first < 0 ? 0 : first > n ? n : first);
          to[j] = static_cast<int>(last < from[j] ? from[j] : last > n ? n : last);
        }
        native::product_ranges({p, 1, kTile, dout, stride, dv, dim, dim}, tile, from, to, true);
        native::product_ranges({ds, 1, kTile, q, stride, dk, dim, dim}, tile, from, to, true);
      }
    }
    for (int64_t j = 0; j < tile; ++j) {
      for (int64_t d = 0; d < dim; ++d) {
        block.dk[(t0 + j) * kv_stride + d] = dk[j * dim + d] * block.scale;
        block.dv[(t0 + j) * kv_stride + d] = dv[j * dim + d];
      }
    }
  }
  for (int64_t h = 0; h < block.group; ++h)
    scale_rows(block.dq + h * dim, count, stride, dim, block.scale);
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
