#pragma once
// rope: rotary position embedding (Su et al., "RoFormer", 2021).
// In each head, pair i (0 <= i < rope_dim / 2) is turned by the angle pos * frequency[i]:
//   a' = a * cos - b * sin        b' = b * cos + a * sin
// RopeStyle::pairs turns (x[2i], x[2i+1]), the order of GGUF llama files; RopeStyle::halves turns
// (x[i], x[i + rope_dim/2]), the order of Hugging Face files and of GGUF qwen files.
// Elements from rope_dim on are copied.
//
// ORDER OF ROUNDING. a' = fma(a, cos, -(b * sin)), b' = fma(b, cos, a * sin): the inner product is
// rounded first. The inverse uses -sin.

#include <cstdint>

#include "base/thread_pool.h"
#include "kernels/rope/style.h"

namespace avocado::kernels {

// cos_sin[r][i] = {cos, sin}(positions[r] * frequencies[i]) * magnitude, computed in double with
// the project's own functions and rounded once. cos_sin [n, half, 2].
template <class T>
void rope_angles(ThreadPool& pool, const int32_t* positions, const double* frequencies, T* cos_sin,
                 int64_t n, int64_t half, double magnitude);

// x, y [n, heads, head_dim]; y may equal x. With `inverse` it turns back, which is also the
// gradient: dx = rope(dy, inverse).
template <class T>
void rope(ThreadPool& pool, const T* x, const T* cos_sin, T* y, int64_t n, int64_t heads,
          int64_t head_dim, int64_t rope_dim, RopeStyle style, bool inverse);

}  // namespace avocado::kernels
