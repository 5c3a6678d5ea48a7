#pragma once
// The share of one task of attention, as it crosses into the objects compiled per instruction set:
// the query heads of one kv head of one sequence.

#include <cstddef>
#include <cstdint>

namespace avocado::kernels {

// Queries [0, count) at positions start, start + 1, ...; rows of q, out, dout and dq are
// `heads * dim` apart, those of lse `heads`, those of dk and dv `kv_heads * dim`.
struct AttentionBlock {
  float* const* pages = nullptr;
  int64_t page_offset = 0;  // where the kv head's keys begin in a page
  int64_t heads = 0, kv_heads = 0, group = 0, dim = 0;
  int64_t start = 0, count = 0, window = 0;
  float scale = 0;
  const float* q = nullptr;
  // Forward; lse may be null.
  float *out = nullptr, *lse = nullptr;
  // Backward, whole sequences.
  const float *forward_out = nullptr, *forward_lse = nullptr, *dout = nullptr;
  float *dq = nullptr, *dk = nullptr, *dv = nullptr;
  float* scratch = nullptr;  // as many floats as the kernel asks for
};

// Keys of a page: kTile of attention.h.
inline constexpr int64_t kKeyTile = 64;

// Positions one forward task takes.
inline constexpr int64_t kQueryBlock = 48;

struct AttentionKernels {
  size_t (*forward_scratch)(const AttentionBlock&);
  void (*forward)(const AttentionBlock&);  // count <= kQueryBlock
  size_t (*backward_scratch)(const AttentionBlock&);
  void (*backward)(const AttentionBlock&);
};

}  // namespace avocado::kernels
