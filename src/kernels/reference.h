#pragma once
// What the scalar references share. A reference is the specification of its operation: float is
// what every other implementation must match bit for bit, double checks accuracy and gradients.

#include <cmath>
#include <cstdint>

namespace avocado::kernels {

inline constexpr int kLanes = 16;

// Adds the lanes of a row reduction 16 -> 8 -> 4 -> 2 -> 1, lane i with lane i + half.
template <class T>
T sum_lanes(const T (&lanes)[kLanes]) {
  T sums[kLanes];
  for (int i = 0; i < kLanes; ++i) sums[i] = lanes[i];
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) sums[i] = sums[i] + sums[i + half];
  return sums[0];
}

}  // namespace avocado::kernels

// Marks a non-template function whose scalar body leans on std::fma. The x86-64 baseline has no
// FMA instruction and calls libm for each; the clone for CPUs with FMA inlines it. Same values.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define AVOCADO_FMA_CLONES __attribute__((target_clones("default", "fma"), flatten))
#else
#define AVOCADO_FMA_CLONES
#endif
