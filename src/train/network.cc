#include "train/network.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/registry.h"

namespace avocado {

Network::Network(const ModelConfig& config) : graph_(build_graph(config)), learned_(graph_) {}

Network::Network(std::shared_ptr<const Model> base, const AdapterOptions& options)
    : base_(std::move(base)),
      options_(options),
      plan_(plan_adapter(options, base_->graph(), "[adapter] targets")),
      graph_(graph::with_adapters(base_->graph(), plan_.targets())),
      learned_(adapter_weights(base_->graph(), plan_.targets())),
      norms_(std::make_unique<graph::RowNorms<float>>(graph_)) {}

std::vector<graph::WeightRef<float>> Network::refs(std::span<float* const> values,
                                                   std::span<float* const> gradients) {
  refs_ = base_ ? base_->weights() : std::vector<graph::WeightRef<float>>();
  for (size_t i = 0; i < values.size(); ++i)
    refs_.push_back({.data = values[i], .grad = gradients[i]});
  if (norms_) norms_->put_into(refs_);
  return refs_;
}

void Network::initialise(uint64_t seed, std::span<float* const> values, ThreadPool& pool) {
  graph::initialise(learned_, base_ ? options_.seed : seed, values);
  if (!norms_) return;
  // B is zero, so these are the norms of the model's own rows.
  norms_->compute(pool, refs_);
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    const graph::Node& node = graph_.nodes[i];
    if (node.op != graph::OpKind::dora) continue;
    const auto magnitude = static_cast<size_t>(node.weights[0]);
    std::copy_n(norms_->of(i), graph_.weights[magnitude].count(),
                values[magnitude - first_learned()]);
  }
}

void Network::refresh(ThreadPool& pool) {
  if (norms_) norms_->compute(pool, refs_);
}

double Network::training_flops_per_token() const {
  const double forward = graph_.flops_per_token();
  if (!base_) return 3 * forward;
  return 2 * forward + 2 * static_cast<double>(learned_.parameter_count());
}

Adapter Network::adapter(std::span<const float* const> values) const {
  Adapter adapter = plan_;
  auto next = values.begin();
  for (AdapterMatrix& m : adapter.matrices)
    for (std::vector<float>* part : {&m.a, &m.b, &m.magnitude})
      if (!part->empty()) std::copy_n(*next++, part->size(), part->data());
  return adapter;
}

nlohmann::ordered_json Network::definition() const {
  if (!base_) return nullptr;
  return {{"options", adapter_to_json(options_)}, {"base", base_->weights_digest()}};
}

}  // namespace avocado
