#include "kernels/lion/lion.h"

#include "kernels/implementations.h"
#include "kernels/lion/lion_ref.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void lion_reference(float* p, const float* grad, float* m, int64_t count,
                                       const LionStep& step) {
  reference::lion(p, grad, m, count, step);
}

using Lion = decltype(lion_reference);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kLion, "lion", lion_range, Lion, lion_reference)

void lion(float* p, const float* grad, float* m, int64_t count, const LionStep& step) {
  kLion.pick()(p, grad, m, count, step);
}

}  // namespace avocado::kernels
