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

// Bytes of a code (page.h).
template <class T>
int64_t code_bytes(CacheType type) {
  if (std::is_same_v<T, double>) return sizeof(double);
  return type == CacheType::f32 ? 4 : type == CacheType::f16 || type == CacheType::bf16 ? 2 : 1;
}

inline bool has_scales(CacheType type) {
  return type == CacheType::q8_0 || type == CacheType::q4_0;
}

inline int64_t scale_groups(int64_t dim) { return (dim + kScaleGroup - 1) / kScaleGroup; }

// Codes of a row of `dim` elements.
inline int64_t row_codes(CacheType type, int64_t dim) {
  return type == CacheType::q4_0 ? scale_groups(dim) * kGroupBytes : dim;
}

template <class T>
HeadLayout head_layout(const AttentionShape& shape) {
  const auto lines = [](int64_t n) { return (n + 63) / 64 * 64; };
  const CacheType k = shape.cache.k, v = shape.cache.v;
  HeadLayout layout;
  layout.value_stride = (shape.head_dim + 15) / 16 * 16;
  layout.value_codes = row_codes(v, layout.value_stride);
  layout.groups = scale_groups(shape.head_dim);
  const int64_t scales = lines(layout.groups * kTile * 2);
  layout.key_scales = lines(row_codes(k, shape.head_dim) * kTile * code_bytes<T>(k));
  layout.values = layout.key_scales + (has_scales(k) ? scales : 0);
  layout.value_scales = layout.values + lines(kTile * layout.value_codes * code_bytes<T>(v));
  layout.bytes = layout.value_scales + (has_scales(v) ? scales : 0);
  return layout;
}

// A cache that gives back what was stored.
inline bool is_plain(const CacheTypes& cache) {
  return cache.k == CacheType::f32 && cache.v == CacheType::f32 && !cache.hadamard;
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
  if (std::is_same_v<T, double> && !is_plain(shape.cache))
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

// One group of q8_0 or q4_0: its scale, and what the elements are of it, zero where there is none.
struct Group {
  uint16_t scale = 0;  // f16
  int q[kScaleGroup] = {};
};

inline Group encode_group(CacheType type, const float* x, int64_t count) {
  float high = 0, low = 0;
  bool finite = true;
  for (int64_t i = 0; i < count; ++i) {
    finite = finite && std::isfinite(x[i]);
    high = std::max(high, x[i]);
    low = std::min(low, x[i]);
  }
  const bool bytes = type == CacheType::q8_0;
  const uint16_t half =
      f32_to_f16(bytes ? std::max(high, -low) / 127.0f : (high > -low ? high : low) / -8.0f);
  const float d = f16_to_f32(half);
  Group group;
  if (!finite || !std::isfinite(d)) {
    group.scale = 0x7e00;  // NaN
  } else if (d != 0) {
    group.scale = half;
    const float least = bytes ? -127.0f : -8.0f, most = bytes ? 127.0f : 7.0f;
    for (int64_t i = 0; i < count; ++i)
      group.q[i] = static_cast<int>(std::clamp(std::nearbyint(x[i] * (1.0f / d)), least, most));
  }
  return group;
}

// Codes and scales of one head's row, as attention.h rounds it; scales are written for q8_0 and
// q4_0 only.
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
    case CacheType::q4_0:
      break;
  }
  auto* bytes = static_cast<uint8_t*>(codes);
  for (int64_t i = 0; i < dim; i += kScaleGroup) {
    const int64_t count = std::min(kScaleGroup, dim - i);
    const Group group = encode_group(type, x + i, count);
    *scales++ = group.scale;
    if (type == CacheType::q8_0) {
      for (int64_t j = 0; j < count; ++j) *bytes++ = static_cast<uint8_t>(group.q[j]);
    } else {
      for (int64_t j = 0; j < kGroupBytes; ++j)
        *bytes++ = static_cast<uint8_t>((group.q[j] + 8) | (group.q[j + kGroupBytes] + 8) << 4);
    }
  }
}

// The place of element d of a row among its codes.
inline int64_t code_of(CacheType type, int64_t d) {
  return type == CacheType::q4_0 ? d / kScaleGroup * kGroupBytes + d % kGroupBytes : d;
}

// Element d of a row, whose code is codes[index], and its scale where the type has one.
template <class T>
T stored(CacheType type, const std::byte* codes, int64_t index, int64_t d, const std::byte* scales,
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
      case CacheType::q4_0:
        break;
    }
    const auto byte = std::to_integer<uint8_t>(codes[index]);
    const int nibble = d % kScaleGroup < kGroupBytes ? byte & 15 : byte >> 4;
    const int q = type == CacheType::q8_0 ? static_cast<int8_t>(byte) : nibble - 8;
    return f16_to_f32(half(scales, scale_index)) * static_cast<float>(q);
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
    return stored<T>(types.k, part, code_of(types.k, d) * kTile + j, d, part + layout.key_scales,
                     d / kScaleGroup * kTile + j);
  }
  T value(int64_t j, int64_t d) const {
    return stored<T>(types.v, part + layout.values, j * layout.value_codes + code_of(types.v, d), d,
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
