#pragma once
// The rotation of attention.h: rows of a batch times the Hadamard matrix.

#include <algorithm>
#include <cstdint>
#include <span>

#include "kernels/attention/attention.h"
#include "kernels/hadamard/hadamard.h"
#include "tensor/buffer.h"

namespace avocado::kernels {

// The rows of `sequences` in x [n, heads, dim] to the same places of y, which may be x.
inline void rotate(ThreadPool& pool, const float* x, float* y, int64_t heads, int64_t dim,
                   std::span<const AttentionSequence> sequences) {
  for (const AttentionSequence& s : sequences) {
    const int64_t at = s.first_row * heads * dim;
    hadamard(pool, x + at, y + at, s.count * heads, dim);
  }
}

// The same into `memory`, which grows as needed.
inline const float* rotate(ThreadPool& pool, const float* x, int64_t heads, int64_t dim,
                           std::span<const AttentionSequence> sequences, Buffer<float>& memory) {
  int64_t rows = 0;
  for (const AttentionSequence& s : sequences) rows = std::max(rows, s.first_row + s.count);
  memory.reserve(static_cast<size_t>(rows * heads * dim));
  rotate(pool, x, memory.data(), heads, dim, sequences);
  return memory.data();
}

}  // namespace avocado::kernels
