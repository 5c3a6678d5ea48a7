#pragma once
// hadamard: blocks of n elements times the orthonormal Hadamard matrix of that size (Sylvester,
// 1867), n the largest power of two that divides `dim`:
//   y_i = sum_j (-1)^popcount(i & j) x_j / sqrt(n)
// An element that stands out is spread over its whole block. Products <x, y> stay, and the matrix
// is its own inverse, both but for rounding.
//
// ORDER OF ROUNDING. Stages h = 1, 2, 4, ... n / 2: of each pair (a, b) = (x_i, x_{i + h}) with
// i & h = 0 become (a + b, a - b), each rounded once. Then every element is multiplied by 1 /
// sqrt(n), rounded to float before. A NaN spreads over its block, and so does an infinity.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

// x, y [rows, dim]. y may equal x.
void hadamard(ThreadPool& pool, const float* x, float* y, int64_t rows, int64_t dim);

}  // namespace avocado::kernels
