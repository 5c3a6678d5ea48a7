#pragma once
// Replays a run and compares every bit of it: the log, the checkpoints, the final weights.

#include <functional>
#include <string>

#include "train/run.h"

namespace avocado {

struct VerifyOptions {
  int64_t from =
      0;  // replay starts at the newest checkpoint at or before this step; 0: first weights
  int64_t to = -1;  // last step to replay, -1: the last in the log
};

struct VerifyReport {
  bool passed = false;
  std::string problem;      // the first difference: file, step, tensor, element; empty when passed
  int64_t start = 0;        // step the replay started from
  int64_t steps = 0;        // last step that was replayed and agreed
  int64_t checkpoints = 0;  // files whose digest was checked
  std::string chain;        // of the last step replayed
  std::string weights_digest;  // of the final weights when the replay reached them
};

struct VerifyObserver {
  std::function<void(int64_t start, int64_t end)> on_start;  // the steps that will be replayed
  std::function<void(const StepResult&)> on_step;
};

// Throws Error when the run cannot be read at all; a run that differs gives a report. The log's own
// chain and the digests of all files are checked whole, whatever the range.
VerifyReport verify_run(const Run& run, const VerifyOptions& options, ThreadPool& pool,
                        const VerifyObserver& observer = {});

}  // namespace avocado
