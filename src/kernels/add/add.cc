#include "kernels/add/add.h"

#include "kernels/implementations.h"

namespace avocado::kernels {
namespace {

template <class T>
void add_range(const T* a, const T* b, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

using AddRange = void(const float*, const float*, float*, int64_t);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kAdd, "add", add_range, AddRange, add_range<float>)

template <>
void add(ThreadPool& pool, const float* a, const float* b, float* y, int64_t count) {
  AddRange* run = kAdd.pick();
  pool.run_chunks(count, kElementsPerTask,
                  [&](int64_t i, int64_t end) { run(a + i, b + i, y + i, end - i); });
}

template <>
void add(ThreadPool&, const double* a, const double* b, double* y, int64_t count) {
  add_range(a, b, y, count);
}

}  // namespace avocado::kernels
