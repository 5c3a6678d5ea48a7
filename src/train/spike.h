#pragma once
// Stops a run whose loss leaves its usual range. It watches the record of a run and changes nothing
// of its numbers, so a resumed run may have other limits.

#include <cstdint>
#include <string>
#include <vector>

namespace avocado {

class Dataset;
struct StepResult;
struct TrainOptions;

struct SpikeOptions {
  int64_t window = 0;  // steps before this one that say what is usual; 0: spikes are let pass
  double factor = 2;   // a loss above factor * the median of the window is a spike
};

class SpikeWatch {
 public:
  explicit SpikeWatch(const SpikeOptions& options) : options_(options) {}

  // Takes the losses of all steps in order. Returns the usual loss when this one is a spike, else a
  // negative number; a window that is not yet full finds none.
  double add(double loss);

 private:
  SpikeOptions options_;
  std::vector<double> window_;  // the newest losses, as a ring
  int64_t seen_ = 0;
};

// What to tell the user: step, loss, what was usual, the rows of `data` in the step, what to do.
std::string spike_message(const StepResult& result, double usual, const SpikeOptions& spike,
                          const TrainOptions& options, const Dataset& data);

}  // namespace avocado
