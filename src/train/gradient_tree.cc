#include "train/gradient_tree.h"

#include <algorithm>

#include "kernels/add/add.h"

namespace avocado {

void GradientTree::join(int level, float* gradient, double& loss) {
  const Partial& left = partials_[level];
  kernels::add(pool_, static_cast<const float*>(left.gradient.data()),
               static_cast<const float*>(gradient), gradient, count_);
  loss = left.loss + loss;
}

void GradientTree::add(float* gradient, double& loss, int64_t index, int64_t leaves) {
  int level = 0;
  for (; index >> level & 1; ++level) join(level, gradient, loss);
  if (index + 1 == leaves) {
    for (; index >> level != 0; ++level)
      if (index >> level & 1) join(level, gradient, loss);
    return;
  }
  if (partials_.size() <= static_cast<size_t>(level)) partials_.resize(level + 1);
  Partial& partial = partials_[level];
  partial.gradient.reserve(static_cast<size_t>(count_));
  std::copy_n(gradient, count_, partial.gradient.data());
  partial.loss = loss;
}

}  // namespace avocado
