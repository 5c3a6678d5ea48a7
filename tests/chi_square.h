#pragma once
// Whether counts of draws are those of a distribution: Pearson's test.

#include <cmath>
#include <cstdint>
#include <map>

namespace avocado::test {

struct ChiSquare {
  double statistic = 0;
  int degrees = 0;
  double p = 1;  // of a statistic at least so large, if the draws are of the distribution
  bool impossible = false;  // something was drawn that has no probability
};

// The upper regularized incomplete gamma function Q(a, x), by its continued fraction (Lentz) or the
// series of its complement.
inline double gamma_q(double a, double x) {
  if (x <= 0) return 1;
  const double scale = std::exp(-x + a * std::log(x) - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; std::abs(term) > std::abs(sum) * 1e-15; ++n) sum += term *= x / n;
    return 1 - sum * scale;
  }
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 10000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return scale * h;
}

// What is expected less than 10 times goes together.
inline ChiSquare chi_square(const std::map<int32_t, int64_t>& seen,
                            const std::map<int32_t, double>& probability) {
  ChiSquare result;
  int64_t draws = 0;
  for (const auto& [id, count] : seen) {
    draws += count;
    const auto p = probability.find(id);
    if (p == probability.end() || p->second <= 0) result.impossible = true;
  }
  double rare_expected = 0;
  int64_t rare_seen = 0;
  int cells = 0;
  const auto add = [&](double expected, double count) {
    result.statistic += (count - expected) * (count - expected) / expected;
    ++cells;
  };
  for (const auto& [id, p] : probability) {
    const double expected = p * static_cast<double>(draws);
    const auto found = seen.find(id);
    const int64_t count = found == seen.end() ? 0 : found->second;
    if (expected >= 10) {
      add(expected, static_cast<double>(count));
    } else {
      rare_expected += expected;
      rare_seen += count;
    }
  }
  if (rare_expected >= 10) add(rare_expected, static_cast<double>(rare_seen));
  result.degrees = cells - 1;
  if (result.degrees > 0) result.p = gamma_q(result.degrees / 2.0, result.statistic / 2);
  return result;
}

}  // namespace avocado::test
