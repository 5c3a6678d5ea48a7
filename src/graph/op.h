#pragma once
// The operation table: forward and backward of each OpKind side by side, one file each in ops/.
//
// Most operations work on rows: row i of the output needs row i of the inputs. The executor runs
// several of these one after the other on a few rows while they are in the cache (steps.h). linear
// and attention also begin with such work (rounding x; writing keys and values to the cache) before
// they look at many rows at once.

#include <cstdint>
#include <span>
#include <vector>

#include "graph/executor.h"

namespace avocado::graph {

// What an operation sees while it runs: rows [first_row, first_row + rows) of its output, on which
// `out`, `saved` and those inputs that have the same rows are placed.
template <class T>
struct OpContext {
  ThreadPool* pool;
  const Graph& graph;
  const Node& node;
  const std::vector<WeightRef<T>>& weights;
  const Batch<T>& batch;
  int64_t tokens = 0;
  int64_t first_row = 0, rows = 0;
  bool bf16 = false;           // linear: products of bf16 numbers (TrainingMode)
  const T* cos_sin = nullptr;  // [tokens, rope.dim / 2, 2]
  // Attention: the layer's pages for all sequences of the batch, filled by the operation.
  std::span<const kernels::AttentionSequence> sequences;

  std::vector<const T*> in;
  T* out = nullptr;
  T* saved = nullptr;                          // [rows, saved_width], null in inference
  kernels::QuantizedInput* rounded = nullptr;  // linear: where rows of x are rounded to

  // Backward.
  const T* dout = nullptr;
  std::vector<T*> din;        // null where no gradient is needed
  std::vector<bool> din_add;  // the buffer already holds a gradient: add to it

  int64_t width() const { return graph.values[node.out].width; }
  const WeightRef<T>& weight(size_t i) const { return weights[node.weights[i]]; }
};

struct OpTraits {
  const char* name;
  bool in_place = false;       // out may share in[0]'s memory when nobody else reads in[0]
  bool keeps_inputs = false;   // backward reads its inputs
  bool keeps_output = false;   // backward reads its output
  bool adds_gradient = false;  // backward honours din_add; otherwise the executor adds
  int64_t (*saved_width)(const Node&) = nullptr;  // elements per row kept for backward
};

template <class T>
struct Op {
  OpTraits traits;
  // The part that works on rows, on one thread (the pool of the context has one); others run it for
  // other rows.
  void (*rows)(OpContext<T>&);
  void (*backward)(OpContext<T>&);
  // linear and attention: before and after `rows`, with all threads, for all nodes of a step.
  void (*start)(std::span<OpContext<T>>) = nullptr;
  void (*finish)(std::span<OpContext<T>>) = nullptr;
};

template <class T>
const Op<T>& op(OpKind kind);

// One per file in ops/.
template <class T>
Op<T> embed_op();
template <class T>
Op<T> rms_norm_op();
template <class T>
Op<T> linear_op();
template <class T>
Op<T> rope_op();
template <class T>
Op<T> attention_op();
template <class T>
Op<T> swiglu_op();
template <class T>
Op<T> add_op();
template <class T>
Op<T> select_op();

}  // namespace avocado::graph
