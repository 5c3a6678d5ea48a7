#pragma once
// A tile of the cache as floats.

#include "kernels/attention/block.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

AVOCADO_LANES int64_t code_bytes(CacheType type) {
  return type == CacheType::f32 ? 4 : type == CacheType::q8_0 ? 1 : 2;
}

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
      break;
  }
  const auto* q = reinterpret_cast<const int8_t*>(part);
  const auto* scales = reinterpret_cast<const uint16_t*>(part + block.layout.key_scales);
  for (int64_t d = 0; d < block.dim; scales += kTile) {
    F32x16 scale[4];
    for (int v = 0; v < 4; ++v) scale[v] = load_f16(scales + v * kLanes);
    const int64_t end = d + kScaleGroup < block.dim ? d + kScaleGroup : block.dim;
    for (; d < end; ++d) {
      for (int v = 0; v < 4; ++v) {
        const int64_t at = d * kTile + v * kLanes;
        store(to + at, scale[v] * load_int8(q + at));
      }
    }
  }
  return to;
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
      break;
  }
  const int64_t groups = block.layout.groups;
  const auto* q = reinterpret_cast<const int8_t*>(from);
  const auto* halves = reinterpret_cast<const uint16_t*>(part + block.layout.value_scales);
  for (int64_t g = 0; g < groups; ++g) {
    float scales[kTile];  // of group g: the halves of 64 rows
    uint16_t column[kTile];
    for (int64_t j = 0; j < kTile; ++j) column[j] = halves[j * groups + g];
    for (int v = 0; v < 4; ++v) store(scales + v * kLanes, load_f16(column + v * kLanes));
    const int64_t begin = g * kScaleGroup;
    const int64_t end = begin + kScaleGroup < stride ? begin + kScaleGroup : stride;
    for (int64_t j = 0; j < kTile; ++j) {
      for (int64_t d = begin; d < end; d += kLanes)
        store(to + j * stride + d, splat(scales[j]) * load_int8(q + j * stride + d));
    }
  }
  return to;
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
