#pragma once
// The three products of training with bf16 factors: all numbers come and go as f32, both factors of
// a product are rounded to bf16 on the way (nearest even), and the sums are f32.
//
// ORDER OF ROUNDING. Each output has one accumulator; the summed index ascends in pairs: the odd
// member first, then the even, each an FMA in f32; a missing last odd member is zero. Subnormal
// factors, results and old accumulators count as zero with their sign (bf16.h). The pairs of a
// product over rows are (0, 1), (2, 3), ... of the rows given, wherever sequences begin; so a call
// for rows [0, a) and one for the rows after it equal one call when a is even. Tiles, packing and
// threads are free.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

// y[n, out] = x[n, in] * w[out, in]^T (+ bias[out], added last): pairs of `in`. The value of
// linear() with a PackedWeight of w rounded to bf16.
void linear_bf16(ThreadPool& pool, const float* x, const float* w, const float* bias, float* y,
                 int64_t n, int64_t out, int64_t in);

// dx[n, in] = dy[n, out] * w[out, in], or dx + that when `add`: pairs of `out`.
void linear_backward_input_bf16(ThreadPool& pool, const float* dy, const float* w, float* dx,
                                int64_t n, int64_t out, int64_t in, bool add);

// dw[out, in] += dy^T * x: pairs of rows.
void linear_backward_weight_bf16(ThreadPool& pool, const float* dy, const float* x, float* dw,
                                 int64_t n, int64_t out, int64_t in);

}  // namespace avocado::kernels
