#pragma once
// The texts that a run's own tokenizer is made from.

#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "train/recipe.h"

namespace avocado {

// The texts of the documents of [data] train but for those that eval_share holds out, in order: all
// of them, or, when they have more than `limit` bytes, the largest of a half, a quarter, ... of the
// documents that fits, chosen by a hash of their content. Throws Error(input) when a file cannot be
// read, or holds a bad line and those are refused.
std::vector<std::string> tokenizer_sample(const Recipe& recipe, size_t limit, ThreadPool& pool);

}  // namespace avocado
