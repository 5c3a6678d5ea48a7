#include "kernels/sgd/sgd.h"

#include "kernels/implementations.h"
#include "kernels/sgd/sgd_ref.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void sgd_reference(float* p, const float* grad, float* m, int64_t count,
                                      const SgdStep& step) {
  reference::sgd(p, grad, m, count, step);
}

using Sgd = decltype(sgd_reference);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kSgd, "sgd", sgd_range, Sgd, sgd_reference)

void sgd(float* p, const float* grad, float* m, int64_t count, const SgdStep& step) {
  kSgd.pick()(p, grad, m, count, step);
}

}  // namespace avocado::kernels
