// Lion (kernels/lion).

#include "kernels/lion/lion.h"

#include "train/optimizers/optimizers.h"

namespace avocado {

void lion_step(const WeightUpdate& update) {
  const kernels::LionStep step = {.lr = update.lr,
                                  .beta1 = static_cast<float>(update.options.beta1),
                                  .beta2 = static_cast<float>(update.options.beta2),
                                  .weight_decay = update.weight_decay,
                                  .grad_scale = update.grad_scale};
  update.each_chunk([&](const WeightChunk& c) {
    kernels::lion(c.params, c.gradient, c.moments[0], c.count, step);
  });
}

}  // namespace avocado
