#include <algorithm>
#include <cmath>
#include <utility>

#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {
namespace {

constexpr double kLn2 = 0.6931471805599453;

double log2(double x) { return kernels::log(x) / kLn2; }
double exp2(double x) { return kernels::exp(x * kLn2); }

// How many of the best tokens have about the surprise mu: the exponent s of Zipf's law is fitted to
// the 100 best, in double, ascending.
int64_t zipf_count(const Candidates& candidates, double mu, int64_t vocab) {
  const std::vector<Candidate> items = candidates.best_of(100);
  if (items.size() < 2) return 1;
  double tb = 0, tt = 0;
  for (size_t i = 0; i + 1 < items.size(); ++i) {
    const double t = kernels::log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    const double b = static_cast<double>(items[i].logit) - static_cast<double>(items[i + 1].logit);
    tb += t * b;
    tt += t * t;
  }
  const double s = tb / tt;
  const double everything = static_cast<double>(candidates.size());
  if (s < 1e-6) return candidates.size();  // all alike
  const double epsilon = s - 1;
  const double log_vocab = kernels::log(static_cast<double>(vocab));
  // epsilon / (1 - vocab^-epsilon); 1 / log(vocab) where epsilon vanishes.
  const double ratio =
      std::abs(epsilon) < 1e-9 ? 1 / log_vocab : epsilon / (1 - kernels::exp(-epsilon * log_vocab));
  const double k = kernels::pow(ratio * exp2(mu), 1 / s);
  return static_cast<int64_t>(std::clamp(std::floor(k), 1.0, everything));
}

}  // namespace

// Mirostat (Basu et al., 2021) 1 and 2: cuts the list so that the surprise of what is chosen, in
// bits, comes out at tau. Version 1 estimates how many tokens that leaves; version 2 keeps tokens
// whose surprise is at most mu. `memory.a` is mu.
Drawn mirostat(Candidates& candidates, const Context& context, const Memory& memory,
               int64_t vocab) {
  if (context.parameters.mirostat == 1) {
    candidates.keep_best(zipf_count(candidates, memory.a, vocab));
  } else {
    const float best = candidates.best();
    const double bar = candidates.total() * exp2(-memory.a);
    bool first = true;
    candidates.replace(candidates.best_while([&](const Candidate& c) {
      return std::exchange(first, false) || kernels::exp(c.logit - best) >= bar;
    }));
  }
  const Candidate token = candidates.draw(static_cast<double>(context.uniform(kDraw)));
  const double weight = kernels::exp(token.logit - candidates.best());
  return {token, log2(candidates.total() / weight)};
}

Memory mirostat_memory(const SamplerParameters& p) {
  return {2 * static_cast<double>(p.mirostat_tau), 0};
}

Memory mirostat_learn(const SamplerParameters& p, const Memory& memory, double observed) {
  const double error = observed - static_cast<double>(p.mirostat_tau);
  return {memory.a - static_cast<double>(p.mirostat_eta) * error, 0};
}

}  // namespace avocado::samplers
