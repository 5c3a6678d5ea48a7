#include <cmath>

#include "infer/samplers/stages.h"

namespace avocado::samplers {

// Keeps logits at most n standard deviations below the best (Tang et al., "Top-n-sigma: Not All
// Logits Are You Need", 2024). Mean and deviation are those of the candidates, in double.
void top_n_sigma(Candidates& candidates, const Context& context) {
  const auto count = static_cast<double>(candidates.size());
  const auto sum = [&](const auto& term) {
    return candidates.sum([&](std::span<const float> logits, std::span<double> terms) {
      for (size_t i = 0; i < logits.size(); ++i) {
        const double x = logits[i];
        terms[i] = std::isinf(x) ? 0 : term(x);
      }
    });
  };
  const double mean = sum([](double x) { return x; }) / count;
  const double variance = sum([mean](double x) { return (x - mean) * (x - mean); }) / count;
  const double reach = static_cast<double>(context.parameters.top_n_sigma) * std::sqrt(variance);
  candidates.keep_from(static_cast<float>(static_cast<double>(candidates.best()) - reach), 1);
}

}  // namespace avocado::samplers
