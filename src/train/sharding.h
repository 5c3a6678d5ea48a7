#pragma once
// How the processes of a run share its steps (docs/processes.md). Each computes a range of the
// micro-batches, and keeps the optimizer's state of a range of the weights: it adds up their
// gradient, moves them, and hands them to the others (ZeRO-1: Rajbhandari et al., 2020). Both
// ranges follow from the count of processes alone.

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/buffer.h"
#include "train/gradient_tree.h"
#include "train/processes.h"
#include "train/state.h"

namespace avocado {

// [cuts[r], cuts[r + 1]) are the micro-batches of process r. They are cut between subtrees as large
// as can be without giving a process more than its share, ceil(leaves / processes): the sum of each
// subtree travels, and is as large as the whole gradient.
std::vector<int64_t> leaf_cuts(int64_t leaves, int processes);

// [cuts[r], cuts[r + 1]) are the weights of process r: a weight belongs to the process in whose
// share of all numbers its middle lies. Weights stay whole, because an optimizer may need whole
// matrices.
std::vector<int64_t> weight_cuts(const WeightLayout& layout, int processes);

// Most bytes that a Sharding of these takes for what it receives.
uint64_t sharding_bytes(const WeightLayout& layout, int64_t leaves, int processes);

class Sharding {
 public:
  struct Range {
    int64_t begin, end;
  };

  // For steps of `leaves` micro-batches. `processes` and `pool` must outlive it.
  Sharding(const WeightLayout& layout, int64_t leaves, Processes& processes, ThreadPool& pool);

  Range leaves() const { return own(leaf_cuts_); }  // of this process
  Range weights() const { return own(weight_cuts_); }
  int owner(int64_t weight) const;

  // Adds the sums of all processes' subtrees; `tree.before()` and `last` are those of this one, and
  // are overwritten. Afterwards `last` holds the gradient of weights(), and what else is in it
  // means nothing.
  void add_gradients(const GradientTree& tree, float* last);
  // The same for the loss, whose sum is returned, and for counts.
  double add_losses(const GradientTree& tree, double last);
  void add_counts(std::span<int64_t> counts);

  // For the state of which this process keeps weights() (state.h).
  Gather gather();

  // Hands the weights of each process, one of the layout's numbers or one number per weight, to
  // all.
  void share_weights(float* numbers) { all_gather(processes_, numbers, number_cuts_); }
  void share_per_weight(double* values) { all_gather(processes_, values, weight_cuts_); }

  Processes& processes() const { return processes_; }

 private:
  Range own(const std::vector<int64_t>& cuts) const {
    const auto rank = static_cast<size_t>(processes_.rank());
    return {cuts[rank], cuts[rank + 1]};
  }
  void add_slice(std::span<float* const> own_sums, float* last, int64_t at);

  Processes& processes_;
  ThreadPool& pool_;
  int64_t leaf_count_;
  std::vector<int64_t> leaf_cuts_, weight_cuts_;
  std::vector<int64_t> number_cuts_;   // weight_cuts_ in numbers of the layout
  std::vector<Subtree> subtrees_;      // of all processes, ascending
  std::vector<int64_t> subtree_cuts_;  // [cuts[r], cuts[r + 1]) are those of process r
  Buffer<float> received_;
  Buffer<std::byte> gathered_;
};

}  // namespace avocado
