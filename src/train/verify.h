#pragma once
// Replays a run, or parts of it, and compares every bit: the log, the checkpoints, the final
// weights. docs/proof.md says what that shows.

#include <functional>
#include <string>
#include <vector>

#include "train/run.h"

namespace avocado {

struct VerifyOptions {
  int64_t from = 0;  // state from which steps are replayed; 0: the first weights
  int64_t to = -1;   // last step to replay, -1: the last in the log
  // Replays this many windows of `length` steps instead, at places drawn from `seed`; 0: nothing is
  // replayed; -1: from..to.
  int64_t windows = -1;
  int64_t length = 10;
  uint64_t seed = 0;
};

// Steps begin + 1 to end.
struct StepRange {
  int64_t begin = 0, end = 0;
  bool operator==(const StepRange&) const = default;
};

struct VerifyReport {
  bool passed = false;
  std::string problem;      // the first difference: file, step, tensor, element; empty when passed
  int64_t start = 0;        // step the replay started from
  int64_t steps = 0;        // last step that was replayed and agreed
  int64_t logged = 0;       // steps in the log
  int64_t replayed = 0;     // number of steps that were replayed and agreed
  int64_t checkpoints = 0;  // files whose digest was checked
  std::vector<StepRange> windows;  // random ones, ascending
  std::string chain;               // of the last step replayed
  std::string weights_digest;      // of the final weights when the replay reached them
};

struct VerifyObserver {
  std::function<void(int64_t total)> on_start;  // the number of steps that will be replayed
  std::function<void(int64_t replayed, const StepResult&)> on_step;
};

// Every stretch is replayed from the newest checkpoint at or before it, or from where the stretch
// before it ended. Throws Error when the run cannot be read at all; a run that differs gives a
// report. The log's own chain and the digests of all files are checked whole, whatever the range.
VerifyReport verify_run(const Run& run, const VerifyOptions& options, ThreadPool& pool,
                        const VerifyObserver& observer = {});

}  // namespace avocado
