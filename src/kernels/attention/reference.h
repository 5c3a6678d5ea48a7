#pragma once
// The specification of attention.h in plain C++: what every other implementation must equal bit
// for bit.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/attention/attention.h"
#include "kernels/math/math.h"

namespace avocado::kernels::reference {

template <class T>
T attention_scale(const AttentionShape& shape) {
  return static_cast<T>(shape.scale != 0 ? shape.scale
                                         : 1 / std::sqrt(static_cast<double>(shape.head_dim)));
}

// The first key a query at `position` may see.
inline int64_t first_key(const AttentionShape& shape, int64_t position) {
  return shape.window > 0 ? std::max<int64_t>(0, position - shape.window + 1) : 0;
}

template <class T>
T tree16(T* lane) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

// keys [head_dim][kTile] and values [kTile][head_dim] of one kv head in one page.
template <class T>
const T* page_keys(const AttentionShape& shape, const T* page, int64_t kv_head) {
  return page + kv_head * 2 * shape.head_dim * kTile;
}
template <class T>
const T* page_values(const AttentionShape& shape, const T* page, int64_t kv_head) {
  return page_keys(shape, page, kv_head) + shape.head_dim * kTile;
}

template <class T>
T score(const T* q, const T* keys, int64_t j, int64_t head_dim, T scale) {
  T sum = 0;
  for (int64_t d = 0; d < head_dim; ++d) sum = std::fma(q[d], keys[d * kTile + j], sum);
  return scale * sum;
}

// One query of one head: out [head_dim]; returns lse.
template <class T>
T attention_query(const AttentionShape& shape, const T* q, T* const* pages, int64_t kv_head,
                  int64_t position, T* out) {
  const int64_t dim = shape.head_dim;
  const T scale = attention_scale<T>(shape);
  const int64_t begin = first_key(shape, position), end = position + 1;
  T max = 0, sum = 0;
  for (int64_t tile = begin / kTile; tile * kTile < end; ++tile) {
    const T* keys = page_keys<T>(shape, pages[tile], kv_head);
    const T* values = page_values<T>(shape, pages[tile], kv_head);
    const int64_t j0 = std::max(begin - tile * kTile, int64_t{0});
    const int64_t j1 = std::min(end - tile * kTile, kTile);
    T p[kTile];
    T m = -std::numeric_limits<T>::infinity();
    for (int64_t j = j0; j < j1; ++j) {
      p[j] = score(q, keys, j, dim, scale);
      m = p[j] > m ? p[j] : m;
    }
    T lane[16] = {};
    for (int64_t j = j0; j < j1; ++j) {
      p[j] = kernels::exp(p[j] - m);
      lane[j % 16] += p[j];
    }
    const T l = tree16(lane);

    const bool first = tile == begin / kTile;
    const T merged = first ? m : std::max(max, m);
    const T a = first ? T{0} : kernels::exp(max - merged);
    const T b = first ? T{1} : kernels::exp(m - merged);
    for (int64_t d = 0; d < dim; ++d) {
      T o = 0;
      for (int64_t j = j0; j < j1; ++j) o = std::fma(p[j], values[j * dim + d], o);
      out[d] = first ? o : std::fma(out[d], a, o * b);
    }
    sum = first ? l : std::fma(sum, a, l * b);
    max = merged;
  }
  for (int64_t d = 0; d < dim; ++d) out[d] /= sum;
  return max + kernels::log(sum);
}

// Gradient of one kv head of one whole sequence. Rows of q, out, dout, dq are `heads * head_dim`
// apart and begin at the sequence's first row; those of dk, dv are `kv_heads * head_dim` apart.
template <class T>
void attention_backward_head(const AttentionShape& shape, const AttentionSequence<T>& sequence,
                             int64_t kv_head, const T* q, const T* out, const T* lse, const T* dout,
                             T* dq, T* dk, T* dv) {
  const int64_t dim = shape.head_dim, group = shape.heads / shape.kv_heads;
  const T scale = attention_scale<T>(shape);
  for (int64_t j = 0; j < sequence.count; ++j) {
    const int64_t row = (j * shape.kv_heads + kv_head) * dim;
    std::fill_n(dk + row, dim, T{0});
    std::fill_n(dv + row, dim, T{0});
  }
  for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    for (int64_t i = 0; i < sequence.count; ++i) {
      const int64_t row = (i * shape.heads + head) * dim;
      T lane[16] = {};
      for (int64_t d = 0; d < dim; ++d)
        lane[d % 16] = std::fma(dout[row + d], out[row + d], lane[d % 16]);
      const T delta = tree16(lane);
      std::fill_n(dq + row, dim, T{0});
      for (int64_t j = first_key(shape, i); j <= i; ++j) {
        const T* keys = page_keys<T>(shape, sequence.pages[j / kTile], kv_head);
        const T* value =
            page_values<T>(shape, sequence.pages[j / kTile], kv_head) + j % kTile * dim;
        const T p =
            kernels::exp(score(q + row, keys, j % kTile, dim, scale) - lse[i * shape.heads + head]);
        T dp = 0;
        for (int64_t d = 0; d < dim; ++d) dp = std::fma(dout[row + d], value[d], dp);
        const T ds = p * (dp - delta);
        T* dkj = dk + (j * shape.kv_heads + kv_head) * dim;
        T* dvj = dv + (j * shape.kv_heads + kv_head) * dim;
        for (int64_t d = 0; d < dim; ++d) {
          dvj[d] = std::fma(p, dout[row + d], dvj[d]);
          dkj[d] = std::fma(ds, q[row + d], dkj[d]);
          dq[row + d] = std::fma(ds, keys[d * kTile + j % kTile], dq[row + d]);
        }
      }
      for (int64_t d = 0; d < dim; ++d) dq[row + d] *= scale;
    }
  }
  for (int64_t j = 0; j < sequence.count; ++j) {
    const int64_t row = (j * shape.kv_heads + kv_head) * dim;
    for (int64_t d = 0; d < dim; ++d) dk[row + d] *= scale;
  }
}

}  // namespace avocado::kernels::reference
