#include "train/spike.h"

#include <algorithm>

#include "base/error.h"
#include "train/dataset.h"
#include "train/trainer.h"

namespace avocado {
namespace {

constexpr int64_t kRowsShown = 32;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

double SpikeWatch::add(double loss) {
  if (options_.window == 0) return -1;
  const bool full = static_cast<int64_t>(window_.size()) == options_.window;
  const double usual = full ? median(window_) : -1;
  if (full)
    window_[static_cast<size_t>(seen_ % options_.window)] = loss;
  else
    window_.push_back(loss);
  ++seen_;
  return full && loss > options_.factor * usual ? usual : -1;
}

std::string spike_message(const StepResult& result, double usual, const SpikeOptions& spike,
                          const TrainOptions& options, const Dataset& data) {
  const int64_t count = options.rows * options.micro_batches;
  const auto first = static_cast<uint64_t>((result.step - 1) * count);
  std::vector<int64_t> rows;
  for (int64_t r = 0; r < std::min(count, kRowsShown); ++r)
    rows.push_back(row_at(first + static_cast<uint64_t>(r), data.rows(), options.seed));
  return fmt::format(
      "step {}: the loss rose to {:.4f}; the median of the {} steps before is {:.4f}, and {} times "
      "that is the limit. The step learned from the rows {}{} of train.rows. No checkpoint holds "
      "this step. Look at these rows; then start a new run with a lower lr, a longer warm-up or "
      "without them, or resume this one with a larger spike.factor, or without spike, to let it "
      "pass",
      result.step, result.loss, spike.window, usual, spike.factor, fmt::join(rows, ", "),
      count > kRowsShown ? fmt::format(" and {} more", count - kRowsShown) : "");
}

}  // namespace avocado
