#pragma once
// What a training run carries from step to step, its digest, and its file (docs/formats/run.md).

#include <cstdint>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "graph/graph.h"
#include "tensor/buffer.h"

namespace avocado {

// All weights of a graph in one buffer, each at a cache line of its own; the gaps are zero.
struct WeightLayout {
  explicit WeightLayout(const graph::Graph& graph);
  std::vector<int64_t> offset;  // per weight, in floats
  int64_t total = 0;            // a multiple of 16
};

struct TrainState {
  explicit TrainState(const graph::Graph& graph);

  WeightLayout layout;
  Buffer<float> params, m, v;  // weights, first and second moment of the gradient
  int64_t step = 0;            // steps completed
  uint64_t position = 0;       // rows of data seen
  std::string chain;           // see StepResult::chain

  float* param(int weight) const { return params.data() + layout.offset[weight]; }
};

// The root over step, position, definition and the tensors in the order of the file (digest.h).
std::string state_digest(const graph::Graph& graph, const TrainState& state,
                         const std::string& definition, ThreadPool& pool);

// One safetensors file: metadata, then "p.NAME" for every weight, "m.NAME" for every weight, and
// "v.NAME".
void write_checkpoint(const std::string& path, const graph::Graph& graph, const TrainState& state,
                      const std::string& definition, ThreadPool& pool);
// Throws Error(input) when the file is damaged (its digests are recomputed; the message names the
// tensor), or was not written by a run with this graph and definition. `state` is changed only when
// all is well.
void read_checkpoint(const std::string& path, const graph::Graph& graph, TrainState& state,
                     const std::string& definition, ThreadPool& pool);
// What differs first between a checkpoint and a state (tensor, element, both values); empty when
// nothing does. Digests are compared after the elements, so that a damaged element is named. Throws
// Error(input) when the file cannot be read as a checkpoint of this run.
std::string compare_checkpoint(const std::string& path, const graph::Graph& graph,
                               const TrainState& state, const std::string& definition,
                               ThreadPool& pool);
// The parameters of a checkpoint of any run of this model, laid out by WeightLayout.
std::vector<float> read_parameters(const std::string& path, const graph::Graph& graph);

}  // namespace avocado
