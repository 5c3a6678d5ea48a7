#include "kernels/adamw/adamw.h"

#include <algorithm>
#include <vector>

#include "kernels/adamw/adamw_ref.h"
#include "kernels/implementations.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void adamw_reference(float* p, const float* grad, float* m, float* v,
                                        int64_t count, const AdamwStep& step) {
  reference::adamw(p, grad, m, v, count, step);
}

AVOCADO_FMA_CLONES double sum_squares_reference(const float* x, int64_t count) {
  return reference::sum_squares(x, count);
}

using Adamw = decltype(adamw_reference);
using SumSquares = decltype(sum_squares_reference);

constexpr int64_t kSumChunk = 4096;  // part of the definition

}  // namespace

AVOCADO_IMPLEMENTATIONS(kAdamw, "adamw", adamw_range, Adamw, adamw_reference)
AVOCADO_IMPLEMENTATIONS(kSumSquares, "sum_squares", sum_squares_chunk, SumSquares,
                        sum_squares_reference)

void adamw(float* p, const float* grad, float* m, float* v, int64_t count, const AdamwStep& step) {
  kAdamw.pick()(p, grad, m, v, count, step);
}

double sum_squares(ThreadPool& pool, const float* x, int64_t count) {
  SumSquares* run = kSumSquares.pick();
  std::vector<double> chunks(static_cast<size_t>((count + kSumChunk - 1) / kSumChunk));
  pool.run_chunks(static_cast<int64_t>(chunks.size()), kElementsPerTask / kSumChunk,
                  [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i)
                      chunks[static_cast<size_t>(i)] =
                          run(x + i * kSumChunk, std::min(kSumChunk, count - i * kSumChunk));
                  });
  double sum = 0;
  for (double chunk : chunks) sum += chunk;
  return sum;
}

}  // namespace avocado::kernels
