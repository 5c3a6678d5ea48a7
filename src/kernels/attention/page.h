#pragma once
// How keys and values lie in the pages of the cache. Plain types only: the bodies compiled per
// instruction set read it too.

#include <cstdint>

namespace avocado::kernels {

// Positions in a page, and keys in a tile of attention.
inline constexpr int64_t kTile = 64;

// How a number is kept in the cache; attention.h says how it is rounded.
enum class CacheType : uint8_t { f32, f16, bf16, q8_0, q4_0 };
inline constexpr CacheType kCacheTypes[] = {CacheType::f32, CacheType::f16, CacheType::bf16,
                                            CacheType::q8_0, CacheType::q4_0};

// Neighbouring elements of a head's row that share a scale in q8_0 and q4_0; the last group of a
// row may be shorter.
inline constexpr int64_t kScaleGroup = 32;

// Bytes of a whole group in q4_0: byte i holds element i in its low half, element i + kGroupBytes
// in the other. So two rows of 16 lanes lie in 16 bytes, and no byte belongs to two positions.
inline constexpr int64_t kGroupBytes = kScaleGroup / 2;

// The part of one kv head in a page: byte offsets from its beginning. A code is an element as it is
// stored; in q4_0 a byte of two, and a row has those of whole groups.
//   keys          [codes of a row][kTile]  a lane is a key
//   key_scales    [groups][kTile]          f16, q8_0 and q4_0 only
//   values        [kTile][value_codes]     zero behind head_dim
//   value_scales  [kTile][groups]          f16, q8_0 and q4_0 only
struct HeadLayout {
  int64_t value_stride = 0;  // elements: head_dim rounded up to whole vectors of 16
  int64_t value_codes = 0;   // value_stride, or the bytes of q4_0
  int64_t groups = 0;        // of kScaleGroup elements in a row
  int64_t key_scales = 0, values = 0, value_scales = 0;
  int64_t bytes = 0;  // of the whole part, a multiple of a cache line
};

}  // namespace avocado::kernels
