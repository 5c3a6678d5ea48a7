#pragma once
// Numbers of the optimizer that depend on the step alone. Computed in double, with the project's
// own functions, and rounded to float once by their user.

#include <functional>
#include <string>

#include "train/options.h"

namespace avocado {

// Learning rate of step `step` (0 is the first). A linear warm-up reaches lr at its last step;
// then, by options.schedule:
//   cosine    half a cosine (Loshchilov & Hutter, "SGDR", 2017) down to min_lr at the last step
//   linear    a line down to min_lr at the last step
//   wsd       lr until `decay_steps` are left, then down to min_lr at the last step (Hu et al.,
//             "MiniCPM", 2024) by options.decay_shape: "linear"; "cosine"; "sqrt", 1 - sqrt(x)
//             (Haegele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
//             Durations", 2024)
//   constant  lr
double learning_rate(const TrainOptions& options, int64_t step);

// Throws Error(input) when the schedule or a number of it is unknown or out of range; the message
// begins with where(field).
void check_schedule(const TrainOptions& options,
                    const std::function<std::string(const char* field)>& where);

// 1 / (1 - beta^step), AdamW's correction for a moment that began at zero; step >= 1.
double bias_correction(double beta, int64_t step);

// Share of the new weights in their average after step `step` >= 1: 1 - ema, but more in the first
// steps, so that the average begins as the weights after step 1 and follows their fast first
// changes.
double average_share(double ema, int64_t step);

}  // namespace avocado
