#include "kernels/cross_entropy/cross_entropy.h"

#include "kernels/cross_entropy/cross_entropy_ref.h"
#include "kernels/implementations.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void rows_reference(const float* logits, const int32_t* targets, float* loss,
                                       float* dlogits, int64_t rows, int64_t cols, float scale,
                                       const float* row_scales) {
  reference::cross_entropy_rows(logits, targets, loss, dlogits, rows, cols, scale, row_scales);
}

using Rows = decltype(rows_reference);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kCrossEntropy, "cross_entropy", cross_entropy_rows, Rows, rows_reference)

template <>
void cross_entropy(ThreadPool& pool, const float* logits, const int32_t* targets, float* loss,
                   float* dlogits, int64_t rows, int64_t cols, double scale,
                   const float* row_scales) {
  Rows* run = kCrossEntropy.pick();
  pool.run_chunks(rows, rows_per_task(cols), [&](int64_t r, int64_t end) {
    run(logits + r * cols, targets + r, loss + r, dlogits ? dlogits + r * cols : nullptr, end - r,
        cols, static_cast<float>(scale), row_scales ? row_scales + r : nullptr);
  });
}

template <>
void cross_entropy(ThreadPool&, const double* logits, const int32_t* targets, double* loss,
                   double* dlogits, int64_t rows, int64_t cols, double scale,
                   const double* row_scales) {
  reference::cross_entropy_rows(logits, targets, loss, dlogits, rows, cols, scale, row_scales);
}

}  // namespace avocado::kernels
