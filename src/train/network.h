#pragma once
// What a trainer runs: a model whose weights all learn, or a model that stays as it is, with an
// adapter on it that learns.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "graph/adapters.h"
#include "graph/executor.h"
#include "models/adapter.h"
#include "models/model.h"
#include "train/adapter_options.h"
#include "train/trained_graph.h"

namespace avocado {

class Network {
 public:
  // All weights learn.
  explicit Network(const ModelConfig& config);
  // An adapter learns. The products with the model are those of inference, whatever type its
  // weights are stored in, so the adapter is trained for the answers that the model gives with it.
  // Throws Error(input) when the model has no matrix that a target means.
  Network(std::shared_ptr<const Model> base, const AdapterOptions& options);

  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Nodes and all weights.
  const graph::Graph& graph() const { return trained_.graph; }
  // The weights that learn (trained_graph.h).
  const graph::Graph& learned() const { return trained_.learned; }
  double flops_per_token() const { return trained_.flops_per_token(); }
  bool has_adapter() const { return base_ != nullptr; }
  const std::shared_ptr<const Model>& base() const { return base_; }

  // For an executor over graph(): weight i of learned() is read from values[i], and its gradient
  // added to gradients[i].
  std::vector<graph::WeightRef<float>> refs(std::span<float* const> values,
                                            std::span<float* const> gradients);
  // First values of the weights that learn: from `seed`, or from the adapter's own seed. DoRA's
  // magnitudes begin as the norms of the rows.
  void initialise(uint64_t seed, std::span<float* const> values, ThreadPool& pool);
  // Computes what depends on the weights: to be called when they have changed, before they are run.
  void refresh(ThreadPool& pool);

  // The adapter with these values.
  Adapter adapter(std::span<const float* const> values) const;
  // What the definition of a run says of the adapter and the model under it; null without one.
  nlohmann::ordered_json definition() const;

 private:
  size_t first_learned() const { return graph().weights.size() - learned().weights.size(); }

  std::shared_ptr<const Model> base_;
  AdapterOptions options_;
  Adapter plan_;
  TrainedGraph trained_;
  std::vector<graph::WeightRef<float>> refs_;
  std::unique_ptr<graph::RowNorms<float>> norms_;
};

}  // namespace avocado
