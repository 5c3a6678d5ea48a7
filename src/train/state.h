#pragma once
// What a training run carries from step to step, its digest, and its file (docs/formats/run.md).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "graph/graph.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"
#include "train/options.h"

namespace avocado {

// All weights of a graph in one buffer, each at a cache line of its own; the gaps are zero.
struct WeightLayout {
  explicit WeightLayout(const graph::Graph& graph);
  std::vector<int64_t> offset;  // per weight, in floats
  int64_t total = 0;            // a multiple of 16
};

inline constexpr const char* kAverage = "ema";

// What is kept of one weight beside its parameters, under one name ("m", "v_scale", "ema").
struct StateTensor {
  std::string part;
  DType type = DType::f32;  // or i8, u8
  std::vector<int64_t> shape;
  Buffer<std::byte> data;  // empty when another process keeps it

  size_t bytes() const;  // of the whole tensor, by its type and shape
  float* floats() const { return reinterpret_cast<float*>(data.data()); }
};

struct TrainState {
  // All zero. `options` say what is kept beside the parameters (train/optimizer.h), and that only
  // of weights [begin, end): the tensors of the others have no data, another process keeps them
  // (train/sharding.h).
  TrainState(const graph::Graph& graph, const TrainOptions& options, int64_t begin, int64_t end);
  TrainState(const graph::Graph& graph, const TrainOptions& options)
      : TrainState(graph, options, 0, static_cast<int64_t>(graph.weights.size())) {}

  WeightLayout layout;
  Buffer<float> params;
  std::vector<std::vector<StateTensor>> kept;  // per weight
  int64_t step = 0;                            // steps completed
  uint64_t position = 0;                       // rows of data seen
  std::string chain;                           // see StepResult::chain

  float* param(int weight) const { return params.data() + layout.offset[weight]; }
  // Null when nothing is kept under this name.
  const StateTensor* kept_tensor(int weight, const std::string& part) const;
  // The average of a weight over the steps (TrainOptions::ema); null without.
  float* average(int weight) const;
};

// Brings bytes that belong to a weight, a tensor that is kept of it or a digest, to the leader of
// several processes: `own` are these bytes, none where another process keeps the weight. To be
// called by all, in the same order. What it returns is valid until the next call in the leader, and
// means nothing elsewhere.
using Gather = std::function<std::span<const std::byte>(
    int64_t weight, std::span<const std::byte> own, size_t size)>;

// The root over step, position, definition and the tensors: of each weight, in graph order, the
// parameters, then what is kept of it (digest.h). Without `gather` the state is kept whole by this
// process; with it each hashes its own, and the digest is right in the leader.
std::string state_digest(const graph::Graph& graph, const TrainState& state,
                         const std::string& definition, ThreadPool& pool,
                         const Gather& gather = {});

// One safetensors file: metadata, then "p.NAME" for every weight, then "PART.NAME" for all that is
// kept. With `gather` all take part and the leader writes.
void write_checkpoint(const std::string& path, const graph::Graph& graph, const TrainState& state,
                      const std::string& definition, ThreadPool& pool, const Gather& gather = {},
                      bool leader = true);
// Throws Error(input) when the file is damaged (its digests are recomputed; the message names the
// tensor), or was not written by a run with this graph and definition. `state` is changed only when
// all is well.
void read_checkpoint(const std::string& path, const graph::Graph& graph, TrainState& state,
                     const std::string& definition, ThreadPool& pool);
// What differs first between a checkpoint and a state (tensor, element, both values); empty when
// nothing does. Digests are compared after the elements, so that a damaged element is named. Throws
// Error(input) when the file cannot be read as a checkpoint of this run. With `gather` the leader's
// answer counts.
std::string compare_checkpoint(const std::string& path, const graph::Graph& graph,
                               const TrainState& state, const std::string& definition,
                               ThreadPool& pool, const Gather& gather = {});
// The parameters of a checkpoint of any run of this model, laid out by WeightLayout.
std::vector<float> read_parameters(const std::string& path, const graph::Graph& graph);

}  // namespace avocado
