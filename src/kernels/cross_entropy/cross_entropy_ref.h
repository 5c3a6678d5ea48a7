#pragma once
// The definition of cross_entropy in plain scalar code.

#include <limits>

#include "kernels/math/math.h"
#include "kernels/reference.h"

namespace avocado::kernels::reference {

template <class T>
void cross_entropy_rows(const T* logits, const int32_t* targets, T* loss, T* dlogits, int64_t rows,
                        int64_t cols, T scale, const T* row_scales) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = logits + r * cols;
    T* dx = dlogits != nullptr ? dlogits + r * cols : nullptr;
    const int64_t target = targets[r];
    if (target < 0) {
      loss[r] = 0;
      for (int64_t c = 0; dx != nullptr && c < cols; ++c) dx[c] = 0;
      continue;
    }
    // NaN never wins this maximum; it reaches the loss through the sum.
    T m = -std::numeric_limits<T>::infinity();
    for (int64_t c = 0; c < cols; ++c) m = x[c] > m ? x[c] : m;
    T lanes[kLanes] = {};
    for (int64_t c = 0; c < cols; ++c) lanes[c % kLanes] += kernels::exp(x[c] - m);
    const T sum = sum_lanes(lanes);
    loss[r] = (m - x[target]) + kernels::log(sum);
    if (dx == nullptr) continue;
    const T factor = row_scales != nullptr ? scale * row_scales[r] : scale;
    for (int64_t c = 0; c < cols; ++c)
      dx[c] = (kernels::exp(x[c] - m) / sum - (c == target ? T{1} : T{0})) * factor;
  }
}

}  // namespace avocado::kernels::reference
