#include "kernels/swiglu/swiglu.h"

#include "kernels/implementations.h"
#include "kernels/swiglu/swiglu_ref.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void forward(const float* gate, const float* up, float* y, int64_t count) {
  reference::swiglu(gate, up, y, count);
}

AVOCADO_FMA_CLONES void backward(const float* gate, const float* up, const float* dy, float* dgate,
                                 float* dup, int64_t count) {
  reference::swiglu_backward(gate, up, dy, dgate, dup, count);
}

using Forward = decltype(forward);
using Backward = decltype(backward);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kForward, "swiglu", swiglu_range, Forward, forward)
AVOCADO_IMPLEMENTATIONS(kBackward, "swiglu_backward", swiglu_backward_range, Backward, backward)

template <>
void swiglu(ThreadPool& pool, const float* gate, const float* up, float* y, int64_t count) {
  Forward* run = kForward.pick();
  pool.run_chunks(count, kElementsPerTask,
                  [&](int64_t i, int64_t end) { run(gate + i, up + i, y + i, end - i); });
}

template <>
void swiglu_backward(ThreadPool& pool, const float* gate, const float* up, const float* dy,
                     float* dgate, float* dup, int64_t count) {
  Backward* run = kBackward.pick();
  pool.run_chunks(count, kElementsPerTask, [&](int64_t i, int64_t end) {
    run(gate + i, up + i, dy + i, dgate + i, dup + i, end - i);
  });
}

template <>
void swiglu(ThreadPool&, const double* gate, const double* up, double* y, int64_t count) {
  reference::swiglu(gate, up, y, count);
}

template <>
void swiglu_backward(ThreadPool&, const double* gate, const double* up, const double* dy,
                     double* dgate, double* dup, int64_t count) {
  reference::swiglu_backward(gate, up, dy, dgate, dup, count);
}

}  // namespace avocado::kernels
