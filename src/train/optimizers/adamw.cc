// AdamW (kernels/adamw).

#include "kernels/adamw/adamw.h"

#include "train/optimizers/optimizers.h"
#include "train/schedule.h"

namespace avocado {

void adamw_step(const WeightUpdate& update) {
  const TrainOptions& o = update.options;
  const kernels::AdamwStep step = {
      .lr = update.lr,
      .beta1 = static_cast<float>(o.beta1),
      .beta2 = static_cast<float>(o.beta2),
      .eps = static_cast<float>(o.eps),
      .weight_decay = update.weight_decay,
      .m_correction = static_cast<float>(bias_correction(o.beta1, update.step)),
      .v_correction = static_cast<float>(bias_correction(o.beta2, update.step)),
      .grad_scale = update.grad_scale};
  update.each_chunk([&](const WeightChunk& c) {
    kernels::adamw(c.params, c.gradient, c.moments[0], c.moments[1], c.count, step);
  });
}

}  // namespace avocado
