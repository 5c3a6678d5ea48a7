#pragma once
// Numbers of the optimizer that depend on the step alone. Computed in double, with the project's
// own functions, and rounded to float once by their user.

#include "train/options.h"

namespace avocado {

// Learning rate of step `step` (0 is the first): linear warm-up that reaches lr at its last step,
// then half a cosine (Loshchilov & Hutter, "SGDR", 2017) that reaches min_lr at the last step of
// the run.
double learning_rate(const TrainOptions& options, int64_t step);

// 1 / (1 - beta^step), AdamW's correction for a moment that began at zero; step >= 1.
double bias_correction(double beta, int64_t step);

}  // namespace avocado
