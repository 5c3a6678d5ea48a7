#pragma once
// The share of one task of attention, as it crosses into the objects compiled per instruction set:
// the query heads of one kv head of one sequence.

#include <cstddef>
#include <cstdint>

#include "kernels/attention/page.h"

namespace avocado::kernels {

// Queries [0, count) at positions start, start + 1, ...; rows of q, out, dout and dq are
// `heads * dim` apart, those of lse `heads`, those of dk and dv `kv_heads * dim`.
struct AttentionBlock {
  const char* const* pages = nullptr;
  int64_t page_offset = 0;  // where the kv head's part begins in a page
  HeadLayout layout;
  CacheType key_type = CacheType::f32, value_type = CacheType::f32;
  int64_t heads = 0, kv_heads = 0, group = 0, dim = 0;
  int64_t start = 0, count = 0, window = 0;
  float scale = 0;
  const float* q = nullptr;
  // Forward; lse may be null.
  float *out = nullptr, *lse = nullptr;
  int64_t tile_begin = 0, tile_end = 0;
  // When set, what the tiles give is written here, tile_begin first, instead of merged.
  float* partials = nullptr;
  // Backward, whole sequences.
  const float *forward_out = nullptr, *forward_lse = nullptr, *dout = nullptr;
  float *dq = nullptr, *dk = nullptr, *dv = nullptr;
  float* scratch = nullptr;  // as many floats as the kernel asks for
};

struct AttentionKernels {
  size_t (*forward_scratch)(const AttentionBlock&);
  void (*forward)(const AttentionBlock&);
  size_t (*partial_floats)(const AttentionBlock&);  // what one tile writes to `partials`
  // Merges partials, and finishes row `row`: query row / group, head row % group of the kv head.
  void (*merge)(const AttentionBlock&, int64_t row);
  size_t (*backward_scratch)(const AttentionBlock&);
  void (*backward)(const AttentionBlock&);
};

}  // namespace avocado::kernels
