#pragma once
// Adds the gradients of a step's micro-batches in a fixed binary tree over their index
// (docs/numerics.md). Node (level, i) is the sum over leaves [i * 2^level, (i + 1) * 2^level), cut
// off at the last leaf, and adds its two halves, left + right; where the right one is cut off it is
// its left half. With 7 leaves: ((0 + 1) + (2 + 3)) + ((4 + 5) + 6).
//
// Leaves come in ascending order, and as in a binary counter two subtrees that stand beside each
// other in the tree are added as soon as both are there, so only one partial sum per bit of the
// count is kept. A process that adds only some of the leaves is left with the sums of the largest
// subtrees that lie in them.

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/buffer.h"

namespace avocado {

struct Subtree {
  int64_t begin = 0, end = 0;  // leaves
};

// Whether the tree over `leaves` leaves adds these two, the right one beginning where the left
// ends.
bool siblings(Subtree left, Subtree right, int64_t leaves);

// Adds sums of subtrees, ascending and without a gap, as far as the tree over `leaves` leaves does:
// join(i, j) stands for sum[i] = sum[i] + sum[j]. Returns the indices that are left.
template <class Join>
std::vector<size_t> add_subtrees(std::vector<Subtree> sums, int64_t leaves, Join&& join) {
  std::vector<size_t> open;
  for (size_t i = 0; i < sums.size(); ++i) {
    open.push_back(i);
    while (open.size() > 1) {
      const size_t left = open[open.size() - 2], right = open.back();
      if (!siblings(sums[left], sums[right], leaves)) break;
      join(left, right);
      sums[left].end = sums[right].end;
      open.pop_back();
    }
  }
  return open;
}

// The largest subtrees of the tree over `leaves` leaves that make up leaves [begin, end).
std::vector<Subtree> largest_subtrees(int64_t begin, int64_t end, int64_t leaves);

class GradientTree {
 public:
  struct Partial {
    Subtree leaves;
    Buffer<float> gradient;
    double loss = 0;
  };

  GradientTree(int64_t count, ThreadPool& pool) : count_(count), pool_(pool) {}

  // Begins the sum over leaves [begin, end) of a tree over `leaves`.
  void start(int64_t begin, int64_t end, int64_t leaves);
  // Takes the next leaf: `count` gradients and a loss, which it may overwrite. After the last one
  // they hold the sum of the last subtree, which with all leaves is the whole tree.
  void add(float* gradient, double& loss);
  // The sums of the subtrees before the last one, ascending.
  std::span<const Partial> before() const { return std::span(partials_).first(open_); }

 private:
  int64_t count_;
  ThreadPool& pool_;
  int64_t next_ = 0, end_ = 0, leaves_ = 0;
  std::vector<Partial> partials_;  // the first open_ are in use; the others keep their memory
  size_t open_ = 0;
};

}  // namespace avocado
