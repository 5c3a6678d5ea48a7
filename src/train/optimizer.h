#pragma once
// Moves weights by their gradients: which optimizer, learning rate and weight decay each weight
// has, what is kept of it from step to step, and the average of the weights.
//
// A weight's update reads and writes that weight's own tensors only, so weights may be updated in
// any order, and by several processes a part each.

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "graph/graph.h"
#include "train/optimizers/optimizers.h"
#include "train/state.h"

namespace avocado {

// The numbers of one step, the same for all weights.
struct StepNumbers {
  int64_t step = 0;       // 1 is the first
  double lr = 0;          // of the schedule
  double grad_scale = 1;  // the gradient is multiplied by it, rounded to float, on the way in
};

class Optimizer {
 public:
  // `graph`, `options`, `state` and `pool` must outlive it. Throws Error(input) when a group of the
  // options matches no weight, or none that an earlier group has not taken.
  Optimizer(const graph::Graph& graph, const TrainOptions& options, TrainState& state,
            ThreadPool& pool);

  // Makes one step of these weights (indices into graph.weights). `gradient` is laid out as the
  // parameters are (state.layout); of it only these weights' parts are read.
  void update(std::span<const int> weights, const float* gradient, const StepNumbers& numbers);

 private:
  struct WeightPlan {
    const OptimizerKind* kind;
    double lr_scale, weight_decay;
    std::vector<Moment> moments;
    float* average;  // null without
  };
  void average(const WeightPlan& plan, const float* params, int64_t count, int64_t step);

  const graph::Graph& graph_;
  const TrainOptions& options_;
  TrainState& state_;
  ThreadPool& pool_;
  std::vector<WeightPlan> plans_;
  Buffer<float> scratch_;
};

// What the state holds of weight `w` beside its parameters, without data, in the order of files and
// digests: the moments, each followed by its scales when it has some, then the average.
std::vector<StateTensor> kept_tensors(const graph::Graph& graph, const TrainOptions& options,
                                      int w);

// Bytes that update() takes for a while beside the state.
size_t update_scratch_bytes(const graph::Graph& graph, const TrainOptions& options, int w);

}  // namespace avocado
