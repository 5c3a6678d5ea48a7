// The array forms of the elementary functions.
#include "kernels/implementations.h"
#include "kernels/math/math.h"

namespace avocado::kernels {
namespace {

template <float (*function)(float)>
void each(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = function(x[i]);
}

using Range = void(const float*, float*, int64_t);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kExp, "exp", exp_range, Range, each<exp>)
AVOCADO_IMPLEMENTATIONS(kLog, "log", log_range, Range, each<log>)
AVOCADO_IMPLEMENTATIONS(kSigmoid, "sigmoid", sigmoid_range, Range, each<sigmoid>)
AVOCADO_IMPLEMENTATIONS(kTanh, "tanh", tanh_range, Range, each<tanh>)

void exp(const float* x, float* y, int64_t count) { kExp.pick()(x, y, count); }
void log(const float* x, float* y, int64_t count) { kLog.pick()(x, y, count); }
void sigmoid(const float* x, float* y, int64_t count) { kSigmoid.pick()(x, y, count); }
void tanh(const float* x, float* y, int64_t count) { kTanh.pick()(x, y, count); }

}  // namespace avocado::kernels
