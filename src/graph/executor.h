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
  T* grad = nullptr;  // += by backward(); null outside training, and for a weight that stays
  const T* row_norms = nullptr;  // dora's magnitude: what it is divided by (adapters.h)
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

  // The same for whole sequences (start = 0), keeping what backward needs. The caller may overwrite
  // the returned logits in place with their gradient (kernels::cross_entropy allows that).
  T* forward_train(const Batch<T>& batch);
  // Adds the gradient of every weight to its `grad`, given the gradient of the logits of the last
  // forward_train, with the same batch. Where no weight with a `grad` lies before a value, its
  // gradient is not computed.
  void backward(const Batch<T>& batch, T* dlogits);

  // Bytes of activations that a batch of this size needs.
  size_t activation_bytes(int64_t tokens, int64_t wanted, bool training) const;

  // Seconds spent in each kind of step since the last call of enable_profile, by name: "add +
  // rms_norm + linear ffn_gate, ffn_up", "backward linear attn_q".
  void enable_profile();
  const std::map<std::string, double>& profile() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Parameter values at the start of a training run: a pure function of (seed, weight index,
// element).
void initialise(const Graph& graph, uint64_t seed, std::span<float* const> weights);

}  // namespace avocado::graph
