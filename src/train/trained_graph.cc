#include "train/trained_graph.h"

#include <algorithm>

#include "graph/adapters.h"
#include "models/adapter.h"

namespace avocado {

TrainedGraph trained_graph(const graph::Graph& model,
                           const std::optional<AdapterOptions>& adapter) {
  if (!adapter) return {model, {}, model};
  const std::vector<graph::AdapterTarget> targets =
      plan_adapter(*adapter, model, "[adapter] targets").targets();
  TrainedGraph trained{graph::with_adapters(model, targets), {}, adapter_weights(model, targets)};
  trained.learn.resize(trained.graph.weights.size(), true);
  std::fill_n(trained.learn.begin(), model.weights.size(), false);
  return trained;
}

double TrainedGraph::flops_per_token() const {
  const double forward = graph.flops_per_token();
  if (learn.empty()) return 3 * forward;
  return 2 * forward + 2 * static_cast<double>(learned.parameter_count());
}

}  // namespace avocado
