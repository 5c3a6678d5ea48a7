#pragma once
// The definition of swiglu in plain scalar code.

#include "kernels/math/math.h"
#include "kernels/reference.h"

namespace avocado::kernels::reference {

template <class T>
void swiglu(const T* gate, const T* up, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const T s = T{1} / (T{1} + kernels::exp(-gate[i]));
    y[i] = (gate[i] * s) * up[i];
  }
}

template <class T>
void swiglu_backward(const T* gate, const T* up, const T* dy, T* dgate, T* dup, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const T g = gate[i], u = up[i], d = dy[i];
    const T s = T{1} / (T{1} + kernels::exp(-g));
    dgate[i] = (d * u) * (s * std::fma(g, T{1} - s, T{1}));
    dup[i] = d * (g * s);
  }
}

}  // namespace avocado::kernels::reference
