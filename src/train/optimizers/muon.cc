// Muon (kernels/muon). The orthogonal matrix is scaled by 0.2 * sqrt(max(rows, cols)), as Liu et
// al. do ("Muon is Scalable for LLM Training", 2025): its elements are then about as large as those
// of AdamW's updates, so learning rate and weight decay serve both.

#include "kernels/muon/muon.h"

#include <algorithm>
#include <cmath>

#include "kernels/implementations.h"
#include "kernels/sgd/sgd.h"
#include "train/optimizers/optimizers.h"

namespace avocado {

void muon_step(const WeightUpdate& update) {
  const int64_t count = update.count();
  Buffer<float> direction(static_cast<size_t>(count));
  float* x = direction.data();
  const kernels::MuonMomentum momentum = {.momentum = static_cast<float>(update.options.momentum),
                                          .grad_scale = update.grad_scale,
                                          .nesterov = update.options.nesterov};
  update.each_chunk([&](const WeightChunk& c) {
    kernels::muon_direction(x + c.begin, c.gradient, c.moments[0], c.count, momentum);
  });
  kernels::orthogonalise(update.pool, x, update.rows, update.cols, update.scratch);
  const auto larger = static_cast<double>(std::max(update.rows, update.cols));
  const kernels::SgdStep descent = {.lr = update.lr,
                                    .momentum = 0,
                                    .weight_decay = update.weight_decay,
                                    .grad_scale = static_cast<float>(0.2 * std::sqrt(larger)),
                                    .nesterov = false};
  update.pool.run_chunks(count, kernels::kElementsPerTask, [&](int64_t begin, int64_t end) {
    kernels::sgd(update.params + begin, x + begin, nullptr, end - begin, descent);
  });
}

// The direction beside what orthogonalise() asks for.
size_t muon_scratch(int64_t rows, int64_t cols) {
  const int64_t smaller = std::min(rows, cols);
  return static_cast<size_t>(2 * rows * cols + 2 * smaller * smaller);
}

}  // namespace avocado
