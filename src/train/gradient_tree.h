#pragma once
// Adds the gradients of a step's micro-batches in a fixed binary tree over their index
// (docs/numerics.md). Leaves come in ascending order; as in a binary counter, two finished subtrees
// of one size are added, left + right, as soon as both exist, so only one partial sum per bit of
// the count is kept. What is left at the end is added from the right: with 7 leaves
// ((0 + 1) + (2 + 3)) + ((4 + 5) + 6). A process that owns an aligned power of two of leaves owns a
// subtree of this tree.

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/buffer.h"

namespace avocado {

class GradientTree {
 public:
  GradientTree(int64_t count, ThreadPool& pool) : count_(count), pool_(pool) {}

  // Takes leaf `index` of `leaves`: `count` gradients and a loss, which it may overwrite. After the
  // last leaf they hold the sum over all.
  void add(float* gradient, double& loss, int64_t index, int64_t leaves);

 private:
  struct Partial {
    Buffer<float> gradient;
    double loss = 0;
  };
  void join(int level, float* gradient, double& loss);

  int64_t count_;
  ThreadPool& pool_;
  std::vector<Partial> partials_;  // by level: sums of 2^level leaves
};

}  // namespace avocado
