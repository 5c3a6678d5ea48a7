#include "train/network.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/registry.h"

namespace avocado {

Network::Network(const ModelConfig& config)
    : trained_(trained_graph(build_graph(config), std::nullopt)) {}

Network::Network(std::shared_ptr<const Model> base, const AdapterOptions& options)
    : base_(std::move(base)),
      options_(options),
      plan_(plan_adapter(options, base_->graph(), "[adapter] targets")),
      trained_(trained_graph(base_->graph(), options)),
      norms_(std::make_unique<graph::RowNorms<float>>(graph())) {}

std::vector<graph::WeightRef<float>> Network::refs(std::span<float* const> values,
                                                   std::span<float* const> gradients) {
  refs_ = base_ ? base_->weights() : std::vector<graph::WeightRef<float>>();
  for (size_t i = 0; i < values.size(); ++i)
    refs_.push_back({.data = values[i], .grad = gradients[i]});
  if (norms_) norms_->put_into(refs_);
  return refs_;
}

void Network::initialise(uint64_t seed, std::span<float* const> values, ThreadPool& pool) {
  graph::initialise(learned(), base_ ? options_.seed : seed, values);
  if (!norms_) return;
  // B is zero, so these are the norms of the model's own rows.
  norms_->compute(pool, refs_);
  for (size_t i = 0; i < graph().nodes.size(); ++i) {
    const graph::Node& node = graph().nodes[i];
    if (node.op != graph::OpKind::dora) continue;
    const auto magnitude = static_cast<size_t>(node.weights[0]);
    std::copy_n(norms_->of(i), graph().weights[magnitude].count(),
                values[magnitude - first_learned()]);
  }
}

void Network::refresh(ThreadPool& pool) {
  if (norms_) norms_->compute(pool, refs_);
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
