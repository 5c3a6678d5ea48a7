#include "infer/divergence.h"

#include <algorithm>
#include <vector>

#include "kernels/math/math.h"

namespace avocado {
namespace {

struct Softmax {
  int64_t top = 0;
  double max = 0, log_sum = 0;

  Softmax(const float* logits, int64_t vocab)
      : top(std::max_element(logits, logits + vocab) - logits) {
    max = static_cast<double>(logits[top]);
    double sum = 0;
    for (int64_t i = 0; i < vocab; ++i) sum += kernels::exp(static_cast<double>(logits[i]) - max);
    log_sum = kernels::log(sum);
  }
  double log_probability(float logit) const { return static_cast<double>(logit) - max - log_sum; }
};

double divergence(const Softmax& p, const Softmax& q, const float* base, const float* other,
                  int64_t vocab) {
  double sum = 0;
  for (int64_t i = 0; i < vocab; ++i) {
    const double log_p = p.log_probability(base[i]), probability = kernels::exp(log_p);
    if (probability > 0) sum += probability * (log_p - q.log_probability(other[i]));
  }
  return std::max(sum, 0.0);
}

}  // namespace

void Divergence::add(ThreadPool& pool, const float* base, const float* other,
                     const int32_t* targets, int64_t rows, int64_t vocab) {
  std::vector<double> of_row(static_cast<size_t>(rows));
  std::vector<uint8_t> same(static_cast<size_t>(rows));
  pool.run(rows, [&](int64_t r) {
    if (targets[r] < 0) return;
    const float *b = base + r * vocab, *o = other + r * vocab;
    const Softmax p(b, vocab), q(o, vocab);
    of_row[static_cast<size_t>(r)] = divergence(p, q, b, o, vocab);
    same[static_cast<size_t>(r)] = p.top == q.top;
  });
  for (int64_t r = 0; r < rows; ++r) {
    if (targets[r] < 0) continue;
    sum += of_row[static_cast<size_t>(r)];
    largest = std::max(largest, of_row[static_cast<size_t>(r)]);
    same_top += same[static_cast<size_t>(r)];
    ++tokens;
  }
}

}  // namespace avocado
