#pragma once
// Runs a graph: forwards for inference, forwards and backwards for training. One list of nodes, one
// set of kernels for both; so a training forward and an inference forward give the same bits.
//
// T is float, or double (reference kernels) for gradient checks and accuracy measurements.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "graph/graph.h"
#include "kernels/linear/linear.h"
#include "kernels/quantized/quantized.h"
#include "tensor/view.h"

namespace avocado::graph {

// What the executor reads of one weight. Memory belongs to the caller.
template <class T>
struct WeightRef {
  const T* data = nullptr;  // row-major; may be null when one of the next three serves
  const kernels::PackedWeight* packed = nullptr;        // linear uses it when set
  const kernels::QuantizedWeight* quantized = nullptr;  // linear uses it when set
  const TensorView* stored = nullptr;  // embed decodes rows from it when `data` is null
  T* grad = nullptr;                   // += by backward(); null outside training
};

// One sequence of a batch: `count` tokens at positions start, start + 1, ...; its rows follow those
// of the sequence before it.
template <class T>
struct Sequence {
  int64_t count = 0;
  int64_t start = 0;
  // Inference: pages[layer * pages_per_layer + t] holds the keys and values of positions
  // [64 t, 64 t + 64) (kernels/attention); enough for start + count. Training: null.
  std::byte* const* pages = nullptr;
  int64_t pages_per_layer = 0;
};

template <class T>
struct Batch {
  std::span<const int32_t> ids;  // tokens of all sequences, one after the other
  std::span<const Sequence<T>> sequences;
  std::span<const int32_t> wanted;  // ascending rows whose logits are computed
  kernels::CacheTypes cache{};      // how the pages hold numbers; f32 in training and for double
};

struct TrainingMode {
  bool recompute = false;  // keep only what enters each layer, and run it again (schedule.h)
  bool bf16 = false;       // products in pairs of bf16 numbers (kernels/linear), float only
};

// The most that a training batch holds: tokens, rows whose logits are wanted, and pages of 64
// positions of all sequences.
struct BatchSize {
  int64_t tokens = 0, wanted = 0, pages = 0;
};

// Bytes that Executor<float> takes for training batches of this size.
size_t training_bytes(const Graph& graph, const TrainingMode& mode, const BatchSize& batch);

// Wanted rows whose logits exist at once in training: a constant of the vocabulary, even.
int64_t head_rows(int64_t vocab);

template <class T>
class Executor {
 public:
  // `weights` in the order of graph.weights. The graph and the memory behind the references must
  // outlive the executor.
  Executor(const Graph& graph, std::vector<WeightRef<T>> weights, ThreadPool& pool);
  ~Executor();
  Executor(Executor&&) noexcept;

  // Logits [wanted, vocab]; valid until the next call. Reads and extends the pages.
  T* forward(const Batch<T>& batch);

  // Training, on whole sequences (start = 0). How it is done changes memory and time, and of the
  // results only what `bf16` says; to be called between batches.
  void configure_training(const TrainingMode& mode);

  // What a loss makes of logits: reads those of the wanted rows [first, first + rows), and
  // overwrites them with the gradient of the loss (kernels::cross_entropy can) for train().
  using Loss = std::function<void(T* logits, int64_t first, int64_t rows)>;
  // Logits come in blocks of head_rows() rows, ascending; the next block takes the memory of the
  // last.
  void forward_loss(const Batch<T>& batch, const Loss& loss);
  // The same, and adds the gradient of every weight to its `grad`: the bits do not depend on the
  // size of blocks.
  void train(const Batch<T>& batch, const Loss& loss);

  // The same in two calls, with all logits [wanted, vocab] at once. The caller may overwrite them
  // in place with their gradient.
  T* forward_train(const Batch<T>& batch);
  void backward(const Batch<T>& batch, T* dlogits);

  // Bytes of activations that a batch of this size needs in inference.
  size_t activation_bytes(int64_t tokens, int64_t wanted) const;

  // Seconds spent in each kind of step since the last call of enable_profile, by name: "add +
  // rms_norm + linear ffn_gate, ffn_up", "backward linear attn_q".
  void enable_profile();
  const std::map<std::string, double>& profile() const;
  // Work of the caller that shall appear there.
  void timed(const char* name, const std::function<void()>& work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Parameter values at the start of a training run: a pure function of (seed, weight index,
// element).
void initialise(const Graph& graph, uint64_t seed, std::span<float* const> weights);

}  // namespace avocado::graph
