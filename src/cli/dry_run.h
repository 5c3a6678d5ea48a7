#pragma once
// avocado train --dry-run: would this run go through, how long would it take, what would it need?

#include <atomic>
#include <string>

#include "base/thread_pool.h"
#include "train/recipe.h"

namespace avocado::cli {

struct DryRunArguments {
  std::string recipe_path, out;
  bool json = false;
};

// Makes the run in a folder beside `out` that is removed at the end, trains two steps, writes a
// checkpoint, and prints what it found. Throws the Error that training would meet, and
// Error(resource) when memory or disk would not suffice.
void dry_run(const DryRunArguments& arguments, const Recipe& recipe, ThreadPool& pool,
             const std::atomic<bool>& stop);

}  // namespace avocado::cli
