#pragma once
// Adapters on the matrices of a graph. A product y = W x (+ bias) becomes
//   y = fma(scale, B (A x), W x + bias)                    LoRA (Hu et al., 2021)
//   y = magnitude / norm * fma(scale, B (A x), W x) + bias DoRA (Liu et al., 2024)
// where norm[o] is the length of row o of W + scale B A. All products are ordinary `linear` nodes,
// so W may be stored in any type, and training, inference and saving walk the new graph as any
// other.

#include <span>
#include <string>
#include <vector>

#include "graph/executor.h"
#include "graph/graph.h"

namespace avocado::graph {

struct AdapterTarget {
  WeightId weight = kNone;  // the matrix of a product, see adaptable_weights
  int64_t rank = 0;
  double scale = 0;
  bool magnitude = false;  // DoRA; then the only adapter of this weight
};

// Matrices that an adapter may be on: those of products alone, not an embedding table that is the
// output head too.
std::vector<WeightId> adaptable_weights(const Graph& graph);

// The graph with an adapter on each target. New weights follow the old ones, target by target:
// NAME.lora_a [rank, in] (normal at birth), NAME.lora_b [out, rank] (zeros) and for DoRA
// NAME.lora_magnitude [out], NAME being the name of the matrix. The names of a second adapter on
// one matrix end in ".2", and so on. Products that read the same value still follow one another, so
// that a step shares their input. Throws Error(usage) for a target that is not adaptable.
Graph with_adapters(const Graph& base, std::span<const AdapterTarget> targets);

// Rows [first, first + rows) of W + scale B A, into out [rows, cols]; w points to the first of
// them, b to its row of B.
//
// ORDER OF ROUNDING. (B A)[o, i] is a chain of fma over the rank, ascending, from zero; then one
// fma with the scale.
template <class T>
void adapted_rows(ThreadPool& pool, const T* w, const T* a, const T* b, int64_t rank, double scale,
                  int64_t rows, int64_t cols, T* out);

// The norms that the dora nodes of a graph divide by. Whoever changes the weights computes them
// again: training once per step, inference once.
//
// ORDER OF ROUNDING. sqrt of sum_squares (kernels/adamw) of a row of adapted_rows, in double,
// rounded once. A row of zeros has norm 1.
template <class T>
class RowNorms {
 public:
  explicit RowNorms(const Graph& graph);
  // Points the magnitudes to the norms, which live as long as this object.
  void put_into(std::vector<WeightRef<T>>& weights) const;
  // Reads W as `data`, or else decodes `stored` (float only).
  void compute(ThreadPool& pool, const std::vector<WeightRef<T>>& weights);
  // The norms of node `i` of the graph.
  const T* of(size_t node) const { return norms_[node].data(); }

 private:
  const Graph& graph_;
  std::vector<std::vector<T>> norms_;  // per node; empty for other nodes
};

}  // namespace avocado::graph
