#include "train/schedule.h"

#include <numbers>

#include "kernels/math/math.h"

namespace avocado {

double learning_rate(const TrainOptions& options, int64_t step) {
  if (step < options.warmup)
    return options.lr * static_cast<double>(step + 1) / static_cast<double>(options.warmup);
  const double progress = static_cast<double>(step + 1 - options.warmup) /
                          static_cast<double>(options.steps - options.warmup);
  const double fall = 0.5 * (1.0 + kernels::cos(std::numbers::pi * progress));
  return options.min_lr + (options.lr - options.min_lr) * fall;
}

double bias_correction(double beta, int64_t step) {
  if (beta == 0) return 1;
  return 1.0 / (1.0 - kernels::pow(beta, static_cast<double>(step)));
}

}  // namespace avocado
