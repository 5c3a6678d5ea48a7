#pragma once
// What a caller asks of the rotary positions beside what the model's file says.

#include <cstdint>
#include <optional>
#include <string>

#include "models/config.h"

namespace avocado {

// What has no value stays as the file says.
struct RopeOptions {
  int64_t context = 0;  // positions a sequence will hold at most; 0: the model's context
  std::optional<RopeScaling> scaling{};
  std::optional<double> factor{};  // the context becomes so many times longer
  std::optional<double> base{};
  std::optional<int64_t> original_context{};
  std::optional<double> extrapolation{}, attention{}, beta_slow{}, beta_fast{};  // YaRN

  bool change_the_model() const;
};

// - A factor alone scales a model that has no scaling linearly.
// - Another kind of scaling forgets the numbers of the model's own one, but for its factor. The
//   divisors of Llama 3.1 stay in any case: they are a tensor of the model.
// - The model's context becomes the one asked for where that is longer, since who changes the
//   frequencies means to; without such a wish, what the new kind makes of the original context. A
//   model with dynamic scaling can be asked for up to `factor` times its original context as it is.
// Throws Error(usage) when the wishes contradict each other or the model.
void apply(const RopeOptions& options, ModelConfig& config, const std::string& source);

}  // namespace avocado
