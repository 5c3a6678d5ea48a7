#pragma once
// add: y = a + b, elementwise; y may equal a or b.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

template <class T>
void add(ThreadPool& pool, const T* a, const T* b, T* y, int64_t count);

}  // namespace avocado::kernels
