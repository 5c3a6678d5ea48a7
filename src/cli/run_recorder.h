#pragma once
// What a training run writes for people to look at, beside the log that defines it: event files for
// TensorBoard, samples.jsonl, and sessions.jsonl with the machines it ran on (docs/formats/run.md).

#include <optional>
#include <vector>

#include "train/run.h"
#include "train/samples.h"
#include "train/smoothed_loss.h"
#include "train/tensorboard.h"

namespace avocado::cli {

class RunRecorder {
 public:
  // A session that goes on after step `completed`. What the files say of later steps is cut off.
  // Call it when the log is locked. Throws Error(resource) when they cannot be written.
  RunRecorder(const Run& run, const RunOptions& options, int64_t completed, int threads);

  // Returns the smoothed loss.
  double step(const StepResult& result, double tokens_per_s);
  void eval(int64_t step, double loss);
  std::vector<TextSample> samples(Trainer& trainer);

 private:
  const Run& run_;
  const RunOptions& options_;
  std::string samples_path_;
  std::optional<TensorboardLog> tensorboard_;
  SmoothedLoss smoothed_;
};

}  // namespace avocado::cli
