#pragma once
// The specification of attention.h in plain C++: what every other implementation must equal bit
// for bit.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "kernels/attention/attention.h"
#include "kernels/math/math.h"
#include "tensor/dtype.h"

namespace avocado::kernels::reference {

template <class T>
HeadLayout head_layout(const AttentionShape& shape) {
  const auto bytes = [&](CacheType type) -> int64_t {
    if (std::is_same_v<T, double>) return sizeof(double);
    return type == CacheType::f32 ? 4 : type == CacheType::q8_0 ? 1 : 2;
  };
  const auto lines = [](int64_t n) { return (n + 63) / 64 * 64; };
  HeadLayout layout;
  layout.value_stride = (shape.head_dim + 15) / 16 * 16;
  layout.groups = (shape.head_dim + kScaleGroup - 1) / kScaleGroup;
  const int64_t scales = lines(layout.groups * kTile * 2);
  layout.key_scales = lines(shape.head_dim * kTile * bytes(shape.cache.k));
  layout.values = layout.key_scales + (shape.cache.k == CacheType::q8_0 ? scales : 0);
  layout.value_scales = layout.values + lines(kTile * layout.value_stride * bytes(shape.cache.v));
  layout.bytes = layout.value_scales + (shape.cache.v == CacheType::q8_0 ? scales : 0);
  return layout;
}

// Throws Error(usage) for shapes that make no sense.
template <class T>
void check_attention(const AttentionShape& shape) {
  if (shape.heads <= 0 || shape.kv_heads <= 0 || shape.head_dim <= 0 ||
      shape.heads % shape.kv_heads != 0 || shape.window < 0) {
    fail_usage(
        "attention: heads {}, kv_heads {}, head_dim {}, window {}: sizes must be positive, heads a "
        "multiple of kv_heads, and the window not negative",
        shape.heads, shape.kv_heads, shape.head_dim, shape.window);
  }
  if (std::is_same_v<T, double> &&
      (shape.cache.k != CacheType::f32 || shape.cache.v != CacheType::f32))
    fail_usage("attention in double needs a cache of its own type");
}

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

// Codes (of 1, 2 or 4 bytes) and scales of one head's row, as attention.h rounds it; scales are
// written for q8_0 only.
inline void encode_row(CacheType type, const float* x, int64_t dim, void* codes, uint16_t* scales) {
  auto* halves = static_cast<uint16_t*>(codes);
  switch (type) {
    case CacheType::f32:
      std::copy_n(x, dim, static_cast<float*>(codes));
      return;
    case CacheType::f16:
      for (int64_t i = 0; i < dim; ++i) halves[i] = f32_to_f16(x[i]);
      return;
    case CacheType::bf16:
      for (int64_t i = 0; i < dim; ++i) halves[i] = f32_to_bf16(x[i]);
      return;
    case CacheType::q8_0:
      break;
  }
  auto* q = static_cast<int8_t*>(codes);
  for (int64_t begin = 0; begin < dim; begin += kScaleGroup) {
    const int64_t end = std::min(begin + kScaleGroup, dim);
    float max = 0;
    bool finite = true;
    for (int64_t i = begin; i < end; ++i) {
      finite = finite && std::isfinite(x[i]);
      max = std::max(max, std::fabs(x[i]));
    }
    const uint16_t half = f32_to_f16(max / 127.0f);
    const float d = f16_to_f32(half);
    finite = finite && std::isfinite(d);
    scales[begin / kScaleGroup] = finite ? half : uint16_t{0x7e00};  // NaN
    for (int64_t i = begin; i < end; ++i) {
      q[i] = 0;
      if (finite && d != 0)
        q[i] = static_cast<int8_t>(std::clamp(std::nearbyint(x[i] * (1.0f / d)), -127.0f, 127.0f));
    }
  }
}

// Element `index` of an array of codes, and its scale where the type has one.
template <class T>
T stored(CacheType type, const std::byte* codes, int64_t index, const std::byte* scales,
         int64_t scale_index) {
  if constexpr (std::is_same_v<T, double>) {
    return reinterpret_cast<const double*>(codes)[index];
  } else {
    const auto half = [](const std::byte* p, int64_t i) {
      return reinterpret_cast<const uint16_t*>(p)[i];
    };
    switch (type) {
      case CacheType::f32:
        return reinterpret_cast<const float*>(codes)[index];
      case CacheType::f16:
        return f16_to_f32(half(codes, index));
      case CacheType::bf16:
        return bf16_to_f32(half(codes, index));
      case CacheType::q8_0:
        break;
    }
    return f16_to_f32(half(scales, scale_index)) *
           static_cast<float>(reinterpret_cast<const int8_t*>(codes)[index]);
  }
}

// The keys and values of one kv head in one page.
template <class T>
struct Head {
  const std::byte* part;
  HeadLayout layout;
  CacheTypes types;

  Head(const AttentionShape& shape, const std::byte* page, int64_t kv_head)
      : layout(head_layout<T>(shape)), types(shape.cache) {
    part = page + kv_head * layout.bytes;
  }
  T key(int64_t j, int64_t d) const {
    return stored<T>(types.k, part, d * kTile + j, part + layout.key_scales,
                     d / kScaleGroup * kTile + j);
  }
  T value(int64_t j, int64_t d) const {
    return stored<T>(types.v, part + layout.values, j * layout.value_stride + d,
                     part + layout.value_scales, j * layout.groups + d / kScaleGroup);
  }
};

template <class T>
T score(const T* q, const Head<T>& cached, int64_t j, int64_t head_dim, T scale) {
  T sum = 0;
  for (int64_t d = 0; d < head_dim; ++d) sum = std::fma(q[d], cached.key(j, d), sum);
  return scale * sum;
}

// One query of one head: out [head_dim]; returns lse.
template <class T>
T attention_query(const AttentionShape& shape, const T* q, std::byte* const* pages, int64_t kv_head,
                  int64_t position, T* out) {
  const int64_t dim = shape.head_dim;
  const T scale = attention_scale<T>(shape);
  const int64_t begin = first_key(shape, position), end = position + 1;
  T max = 0, sum = 0;
  for (int64_t tile = begin / kTile; tile * kTile < end; ++tile) {
    const Head<T> cached(shape, pages[tile], kv_head);
    const int64_t j0 = std::max(begin - tile * kTile, int64_t{0});
    const int64_t j1 = std::min(end - tile * kTile, kTile);
    T p[kTile];
    T m = -std::numeric_limits<T>::infinity();
    for (int64_t j = j0; j < j1; ++j) {
      p[j] = score(q, cached, j, dim, scale);
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
      for (int64_t j = j0; j < j1; ++j) o = std::fma(p[j], cached.value(j, d), o);
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
void attention_backward_head(const AttentionShape& shape, const AttentionSequence& sequence,
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
        const Head<T> cached(shape, sequence.pages[j / kTile], kv_head);
        const T p = kernels::exp(score(q + row, cached, j % kTile, dim, scale) -
                                 lse[i * shape.heads + head]);
        T dp = 0;
        for (int64_t d = 0; d < dim; ++d)
          dp = std::fma(dout[row + d], cached.value(j % kTile, d), dp);
        const T ds = p * (dp - delta);
        T* dkj = dk + (j * shape.kv_heads + kv_head) * dim;
        T* dvj = dv + (j * shape.kv_heads + kv_head) * dim;
        for (int64_t d = 0; d < dim; ++d) {
          dvj[d] = std::fma(p, dout[row + d], dvj[d]);
          dkj[d] = std::fma(ds, q[row + d], dkj[d]);
          dq[row + d] = std::fma(ds, cached.key(j % kTile, d), dq[row + d]);
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
