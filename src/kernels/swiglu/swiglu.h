#pragma once
// swiglu: y = silu(gate) * up, silu(g) = g * sigmoid(g), sigmoid(g) = 1 / (1 + exp(-g))
// (Shazeer, "GLU Variants Improve Transformer", 2020). Elementwise over `count` elements.
//
// ORDER OF ROUNDING. s = 1 / (1 + exp(-g)) with the project's exp and an IEEE division;
// y = (g * s) * up. y may equal gate or up.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado::kernels {

template <class T>
void swiglu(ThreadPool& pool, const T* gate, const T* up, T* y, int64_t count);

// dup = dy * (g * s); dgate = (dy * up) * (s * fma(g, 1 - s, 1)).
// dgate may equal gate's buffer only if nobody reads gate afterwards; dy may equal dup.
template <class T>
void swiglu_backward(ThreadPool& pool, const T* gate, const T* up, const T* dy, T* dgate, T* dup,
                     int64_t count);

}  // namespace avocado::kernels
