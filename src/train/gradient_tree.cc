#include "train/gradient_tree.h"

#include <algorithm>

#include "kernels/add/add.h"

namespace avocado {

bool siblings(Subtree left, Subtree right, int64_t leaves) {
  const int64_t half = left.end - left.begin;  // a power of two, or the left one is no left half
  return left.begin % (2 * half) == 0 && right.end == std::min(left.begin + 2 * half, leaves);
}

std::vector<Subtree> largest_subtrees(int64_t begin, int64_t end, int64_t leaves) {
  std::vector<Subtree> found;
  for (int64_t leaf = begin; leaf < end; ++leaf) {
    Subtree sum{leaf, leaf + 1};
    for (; !found.empty() && siblings(found.back(), sum, leaves); found.pop_back())
      sum.begin = found.back().begin;
    found.push_back(sum);
  }
  return found;
}

void GradientTree::start(int64_t begin, int64_t end, int64_t leaves) {
  next_ = begin;
  end_ = end;
  leaves_ = leaves;
  open_ = 0;
}

void GradientTree::add(float* gradient, double& loss) {
  Subtree sum{next_, next_ + 1};
  for (; open_ > 0 && siblings(partials_[open_ - 1].leaves, sum, leaves_); --open_) {
    const Partial& left = partials_[open_ - 1];
    kernels::add(pool_, static_cast<const float*>(left.gradient.data()),
                 static_cast<const float*>(gradient), gradient, count_);
    loss = left.loss + loss;
    sum.begin = left.leaves.begin;
  }
  if (++next_ == end_) return;
  if (partials_.size() == open_) partials_.emplace_back();
  Partial& partial = partials_[open_++];
  partial.leaves = sum;
  partial.gradient.reserve(static_cast<size_t>(count_));
  std::copy_n(gradient, count_, partial.gradient.data());
  partial.loss = loss;
}

}  // namespace avocado
