#pragma once
// How keys and values lie in the pages of the cache. Plain types only: the bodies compiled per
// instruction set read it too.

#include <cstdint>

namespace avocado::kernels {

// Positions in a page, and keys in a tile of attention.
inline constexpr int64_t kTile = 64;

// How a number is kept in the cache; attention.h says how it is rounded.
enum class CacheType : uint8_t { f32, f16, bf16, q8_0 };

// Neighbouring elements of a head's row that share a scale in q8_0; the last group of a row may be
// shorter.
inline constexpr int64_t kScaleGroup = 32;

// The part of one kv head in a page: byte offsets from its beginning.
//   keys          [head_dim][kTile]      a lane is a key
//   key_scales    [groups][kTile]        f16, q8_0 only
//   values        [kTile][value_stride]  zero behind head_dim
//   value_scales  [kTile][groups]        f16, q8_0 only
struct HeadLayout {
  int64_t value_stride = 0;  // elements: head_dim rounded up to whole vectors of 16
  int64_t groups = 0;        // of kScaleGroup elements in a row
  int64_t key_scales = 0, values = 0, value_scales = 0;
  int64_t bytes = 0;  // of the whole part, a multiple of a cache line
};

}  // namespace avocado::kernels
