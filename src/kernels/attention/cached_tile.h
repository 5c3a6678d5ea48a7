#pragma once
// A tile of the cache as floats.

#include "kernels/attention/block.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

template <class Code, F32x16 (*widen)(const Code*)>
AVOCADO_LANES void widen_all(const char* from, int64_t count, float* to) {
  const auto* codes = reinterpret_cast<const Code*>(from);
  for (int64_t i = 0; i < count; i += kLanes) store(to + i, widen(codes + i));
}

AVOCADO_LANES F32x16 widen_f16(const uint16_t* p) { return load_f16(p); }
AVOCADO_LANES F32x16 widen_bf16(const uint16_t* p) { return load_bf16(p); }

// A matrix of the cache, as floats or as halves: one of the two is null.
struct Stored {
  const float* floats = nullptr;
  const uint16_t* halves = nullptr;
};

// The scales of a group of 64 keys.
struct Scales {
  F32x16 v[kTile / kLanes];
};

// Elements [d, end) of all keys: a group of theirs.
AVOCADO_LANES void widen_q8_keys(const int8_t* q, const Scales& scales, int64_t d, int64_t end,
                                 float* to) {
  for (int64_t at = d * kTile; at < end * kTile; at += kTile) {
    for (int v = 0; v < kTile / kLanes; ++v)
      store(to + at + v * kLanes, scales.v[v] * load_int8(q + at + v * kLanes));
  }
}
AVOCADO_LANES void widen_q4_keys(const uint8_t* bytes, const Scales& scales, int64_t d, int64_t end,
                                 float* to) {
  bytes += d / 2 * kTile;
  for (int64_t low = d; low < end && low < d + kGroupBytes; ++low, bytes += kTile) {
    const int64_t high = low + kGroupBytes;
    for (int v = 0; v < kTile / kLanes; ++v) {
      F32x16 a, b;
      load_nibbles(bytes + v * kLanes, &a, &b);
      store(to + low * kTile + v * kLanes, scales.v[v] * a);
      if (high < end) store(to + high * kTile + v * kLanes, scales.v[v] * b);
    }
  }
}

// keys [dim][kTile] of the part of a head. A copy is made at `to` unless they are floats already.
const float* tile_keys(const AttentionBlock& block, const char* part, float* to) {
  const int64_t count = block.dim * kTile;
  switch (block.key_type) {
    case CacheType::f32:
      return reinterpret_cast<const float*>(part);
    case CacheType::f16:
      widen_all<uint16_t, widen_f16>(part, count, to);
      return to;
    case CacheType::bf16:
      widen_all<uint16_t, widen_bf16>(part, count, to);
      return to;
    case CacheType::q8_0:
    case CacheType::q4_0:
      break;
  }
  const auto* halves = reinterpret_cast<const uint16_t*>(part + block.layout.key_scales);
  for (int64_t d = 0; d < block.dim; d += kScaleGroup, halves += kTile) {
    Scales scales;
    for (int v = 0; v < kTile / kLanes; ++v) scales.v[v] = load_f16(halves + v * kLanes);
    const int64_t end = d + kScaleGroup < block.dim ? d + kScaleGroup : block.dim;
    if (block.key_type == CacheType::q8_0) {
      widen_q8_keys(reinterpret_cast<const int8_t*>(part), scales, d, end, to);
    } else {
      widen_q4_keys(reinterpret_cast<const uint8_t*>(part), scales, d, end, to);
    }
  }
  return to;
}

// Values with scales: the groups of all rows lie one after the other, as do their floats.
template <bool kNibbles>
AVOCADO_LANES void widen_values(const char* from, const uint16_t* halves, int64_t groups,
                                int64_t stride, float* to) {
  const int64_t last = stride - (groups - 1) * kScaleGroup;  // columns of a row's last group
  int64_t group = 0;
  for (int64_t i = 0; i < kTile * groups; i += kLanes) {
    float scales[kLanes];
    store(scales, load_f16(halves + i));
    for (const float scale : scales) {
      const bool ends = ++group == groups;
      const int64_t columns = ends ? last : kScaleGroup;
      if (ends) group = 0;
      F32x16 low, high;
      if constexpr (kNibbles) {
        load_nibbles(reinterpret_cast<const uint8_t*>(from), &low, &high);
        from += kGroupBytes;
      } else {
        const auto* q = reinterpret_cast<const int8_t*>(from);
        low = load_int8(q);
        high = columns > kLanes ? load_int8(q + kLanes) : low;
        from += columns;
      }
      store(to, splat(scale) * low);
      if (columns > kLanes) store(to + kLanes, splat(scale) * high);
      to += columns;
    }
  }
}

// values [kTile][value_stride], in the same way.
const float* tile_values(const AttentionBlock& block, const char* part, float* to) {
  const int64_t stride = block.layout.value_stride, count = kTile * stride;
  const char* from = part + block.layout.values;
  switch (block.value_type) {
    case CacheType::f32:
      return reinterpret_cast<const float*>(from);
    case CacheType::f16:
      widen_all<uint16_t, widen_f16>(from, count, to);
      return to;
    case CacheType::bf16:
      widen_all<uint16_t, widen_bf16>(from, count, to);
      return to;
    case CacheType::q8_0:
    case CacheType::q4_0:
      break;
  }
  const auto* halves = reinterpret_cast<const uint16_t*>(part + block.layout.value_scales);
  if (block.value_type == CacheType::q8_0) {
    widen_values<false>(from, halves, block.layout.groups, stride, to);
  } else {
    widen_values<true>(from, halves, block.layout.groups, stride, to);
  }
  return to;
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
