#include "kernels/hadamard/hadamard.h"

#include <cmath>

#include "kernels/hadamard/hadamard_ref.h"
#include "kernels/implementations.h"

namespace avocado::kernels {
namespace {

using Blocks = void(const float* x, float* y, int64_t blocks, int64_t n, float scale);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kBlocks, "hadamard", hadamard_blocks, Blocks, reference::hadamard_blocks)

void hadamard(ThreadPool& pool, const float* x, float* y, int64_t rows, int64_t dim) {
  Blocks* run = kBlocks.pick();
  const int64_t n = dim & -dim;
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(n)));
  pool.run_chunks(rows, rows_per_task(dim), [&](int64_t r, int64_t end) {
    run(x + r * dim, y + r * dim, (end - r) * (dim / n), n, scale);
  });
}

}  // namespace avocado::kernels
