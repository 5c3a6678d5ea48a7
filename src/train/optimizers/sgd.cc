// Gradient descent with momentum (kernels/sgd).

#include "kernels/sgd/sgd.h"

#include "train/optimizers/optimizers.h"

namespace avocado {

void sgd_step(const WeightUpdate& update) {
  const kernels::SgdStep step = {.lr = update.lr,
                                 .momentum = static_cast<float>(update.options.momentum),
                                 .weight_decay = update.weight_decay,
                                 .grad_scale = update.grad_scale,
                                 .nesterov = update.options.nesterov};
  update.each_chunk([&](const WeightChunk& c) {
    kernels::sgd(c.params, c.gradient, c.moments[0], c.count, step);
  });
}

}  // namespace avocado
