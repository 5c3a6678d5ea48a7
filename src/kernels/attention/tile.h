#pragma once
// What the forward and the backward bodies of attention share.

#include "kernels/attention/block.h"
#include "kernels/simd/math.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

// attention_backward.simd.cc
size_t attention_backward_scratch(const AttentionBlock& block);
void attention_backward_block(const AttentionBlock& block);

namespace {

// Which keys of the tile that begins at `tile_start` a query at `position` sees: [*lo, *hi).
AVOCADO_LANES void visible_keys(const AttentionBlock& block, int64_t position, int64_t tile_start,
                                int* lo, int* hi) {
  const int64_t from = block.window > 0 ? position - block.window + 1 - tile_start : 0;
  const int64_t to = position + 1 - tile_start;
  *lo = static_cast<int>(from < 0 ? 0 : from > kTile ? kTile : from);
  *hi = static_cast<int>(to < 0 ? 0 : to > kTile ? kTile : to);
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
