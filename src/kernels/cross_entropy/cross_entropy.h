#pragma once
// cross_entropy: loss[r] = log(sum_c exp(logits[r, c])) - logits[r, target[r]].
// A row with target -1 is left out: its loss and gradient are zero.
//
// ORDER OF ROUNDING. m = max_c, a NaN never winning (it reaches the loss through s); s = sum of
// exp(x - m): 16 lanes, lane c mod 16, c ascending, tree 16 -> 8 -> 4 -> 2 -> 1; loss = (m -
// x[target]) + log(s). dlogits[r, c] = (exp(x - m) / s - [c == target]) * f, where f is `scale`
// rounded to T or, when row_scales [rows] are given, the rounded product of that and row_scales[r].
// dlogits may equal logits, or be null.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

template <class T>
void cross_entropy(ThreadPool& pool, const T* logits, const int32_t* targets, T* loss, T* dlogits,
                   int64_t rows, int64_t cols, double scale, const T* row_scales = nullptr);

}  // namespace avocado::kernels
