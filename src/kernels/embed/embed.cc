#include "kernels/embed/embed.h"

#include <algorithm>

#include "kernels/implementations.h"

// Copies and single additions: the compiler's own vector code is as good as any, so the scalar
// reference is the only implementation.

namespace avocado::kernels {

template <class T>
void embed(ThreadPool& pool, const int32_t* ids, const T* table, T* y, int64_t n, int64_t width) {
  pool.run_chunks(n, rows_per_task(width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::copy_n(table + int64_t{ids[i]} * width, width, y + i * width);
  });
}

template <class T>
void embed_backward(ThreadPool& pool, const int32_t* ids, const T* dy, T* dtable, int64_t n,
                    int64_t width) {
  // A task owns a strip of columns and takes the rows in order, so equal ids add in order.
  constexpr int64_t kStrip = 64;
  pool.run_chunks(width, kStrip, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < n; ++i) {
      const T* from = dy + i * width;
      T* to = dtable + int64_t{ids[i]} * width;
      for (int64_t c = begin; c < end; ++c) to[c] = to[c] + from[c];
    }
  });
}

template void embed(ThreadPool&, const int32_t*, const float*, float*, int64_t, int64_t);
template void embed(ThreadPool&, const int32_t*, const double*, double*, int64_t, int64_t);
template void embed_backward(ThreadPool&, const int32_t*, const float*, float*, int64_t, int64_t);
template void embed_backward(ThreadPool&, const int32_t*, const double*, double*, int64_t, int64_t);

}  // namespace avocado::kernels
