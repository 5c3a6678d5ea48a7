#pragma once
// embed: y[i, :] = table[ids[i], :].
// table [vocab, width], y [n, width], row-major; ids[i] in [0, vocab) is the caller's promise.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

template <class T>
void embed(ThreadPool& pool, const int32_t* ids, const T* table, T* y, int64_t n, int64_t width);

// dtable[ids[i], :] += dy[i, :], i ascending.
template <class T>
void embed_backward(ThreadPool& pool, const int32_t* ids, const T* dy, T* dtable, int64_t n,
                    int64_t width);

}  // namespace avocado::kernels
