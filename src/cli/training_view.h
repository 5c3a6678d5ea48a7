#pragma once
// What `avocado train` shows while it works: one line about the last step, redrawn, with events
// above it; or, for programs, one JSON object per line on standard output.

#include <optional>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "train/run.h"
#include "train/samples.h"

namespace avocado::cli {

class TrainingView {
 public:
  TrainingView(const Run& run, bool json, ThreadPool& pool);

  void memory(const MemoryEstimate& estimate);
  void start(int64_t completed);
  void step(const StepResult& result, double smoothed, double tokens_per_s);
  void eval(int64_t step, double loss);
  void checkpoint(int64_t step, const std::string& path);
  void sample(const TextSample& sample);
  void warning(const std::string& text);
  // The result of the whole session.
  void end(const RunOutcome& outcome);

 private:
  void event(const char* kind, nlohmann::json object) const;
  void say(const std::string& text);
  double share_of_peak(double tokens_per_s) const;

  const Run& run_;
  bool json_;
  double peak_;           // f32 operations per second of this machine, 0: unknown
  double ops_per_token_;  // of the matrix products of a step
  std::optional<Progress> progress_;
  std::vector<double> losses_;
};

}  // namespace avocado::cli
