#pragma once
// From the files of [data] to the token shards of a run, in memory that does not grow with them:
// each file becomes tokens once (token_cache.h), then rows are packed from these.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/thread_pool.h"
#include "train/data_report.h"
#include "train/dataset.h"
#include "train/recipe.h"
#include "train/token_cache.h"

namespace avocado {

struct DataProgress {
  std::string source;             // the file being read, as the recipe has it
  uint64_t bytes = 0, total = 0;  // of all files, as stored
  int64_t tokens = 0;
};

// on_progress is called often, and may throw to stop; on_report once, when all is done.
struct DataObserver {
  std::function<void(const DataProgress&)> on_progress;
  std::function<void(const DataReport&)> on_report;
};

struct PreparedData {
  Dataset train;
  std::optional<Dataset> eval;
  DataReport report;
};

// Writes train.rows and, when the recipe holds documents out, eval.rows into `folder`, which is
// made. Throws Error(input) when a file cannot be used, or nothing is left to learn.
PreparedData prepare_data(const Recipe& recipe, const TextEncoder& encoder, int64_t row_tokens,
                          int64_t vocab, const std::string& folder, const TokenCache& cache,
                          ThreadPool& pool, const DataObserver& observer = {});

}  // namespace avocado
