#pragma once
// How the scalar reference shares a matrix of outputs among threads.

#include <algorithm>
#include <cstdint>
#include <functional>

#include "base/thread_pool.h"

namespace avocado::kernels {

// Calls body(r0, r1, c0, c1) for tiles of a rows x cols output.
inline void for_tiles(ThreadPool& pool, int64_t rows, int64_t cols,
                      const std::function<void(int64_t, int64_t, int64_t, int64_t)>& body) {
  constexpr int64_t kRows = 16, kCols = 64;
  const int64_t across = (cols + kCols - 1) / kCols;
  pool.run((rows + kRows - 1) / kRows * across, [&](int64_t task) {
    const int64_t r = task / across * kRows, c = task % across * kCols;
    body(r, std::min(rows, r + kRows), c, std::min(cols, c + kCols));
  });
}

}  // namespace avocado::kernels
