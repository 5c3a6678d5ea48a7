#pragma once
// How far the distributions of one run of a model are from those of another: what a smaller cache
// or weights of fewer bits change, seen more finely than by perplexity.

#include <cstdint>

#include "base/thread_pool.h"

namespace avocado {

// Over the tokens added so far, with p the base's distribution of the next token and q the other's:
//   KL(p || q) = sum_i p_i (log p_i - log q_i)
// in nats, in double, ids ascending; below zero, which only rounding can bring, it is zero.
struct Divergence {
  double sum = 0, largest = 0;
  int64_t tokens = 0;
  int64_t same_top = 0;  // where both have the same likeliest token (the lowest id of equals)

  double mean() const { return sum / static_cast<double>(tokens); }

  // base, other: logits [rows, vocab]. Rows whose target is negative are left out.
  void add(ThreadPool& pool, const float* base, const float* other, const int32_t* targets,
           int64_t rows, int64_t vocab);
};

}  // namespace avocado
