#pragma once
// A LoRA or DoRA adapter: a pair of narrow matrices for some matrices of a model
// (graph/adapters.h). It is read from and written to two formats (docs/formats/adapter.md): a GGUF
// file as llama.cpp has it, and a folder as PEFT has it. Rows are in our order, GGUF's, whatever
// the file.

#include <cstdint>
#include <string>
#include <vector>

#include "graph/adapters.h"
#include "graph/graph.h"
#include "models/config.h"

namespace avocado {

struct AdapterMatrix {
  graph::WeightId weight = graph::kNone;  // of the model
  int64_t rank = 0;
  std::vector<float> a, b;       // [rank, in], [out, rank]
  std::vector<float> magnitude;  // [out]; empty: not DoRA
};

struct Adapter {
  double alpha = 0;
  bool rank_stabilized = false;         // rsLoRA (Kalajdzievski, 2023)
  std::vector<AdapterMatrix> matrices;  // weights ascending

  // What a GGUF file holds as alpha: with a matrix's rank r alpha, or alpha * sqrt(r) when
  // rank-stabilized, rounded to float. The scale is that divided by r, rounded again: so both file
  // formats give the same bits.
  float gguf_alpha(int64_t rank) const;
  double scale(int64_t rank) const;

  std::vector<graph::AdapterTarget> targets() const;
  // Its weights in the order of with_adapters, and their digest by the rule of weights_digest.
  std::vector<const float*> weights() const;
  std::string digest(const graph::Graph& model) const;
};

struct ScaledAdapter {
  Adapter adapter;
  double scale = 1;  // on top of the adapter's own; 0 leaves it out
};

// Its targets with that scale too. Throws Error(usage) for a part of a DoRA adapter: its magnitudes
// are what they are.
std::vector<graph::AdapterTarget> scaled_targets(const ScaledAdapter& scaled);

// The weights that with_adapters adds for these targets, as a graph without nodes.
graph::Graph adapter_weights(const graph::Graph& model,
                             std::span<const graph::AdapterTarget> targets);

// A GGUF file, or a folder with adapter_config.json and adapter_model.safetensors, for this model.
// Throws Error(input) when it is damaged, of a kind this build does not compute, or made for
// another model.
Adapter load_adapter(const std::string& path, const ModelConfig& config, const graph::Graph& model);

// Both write atomically. The model's config and graph say names and order of rows. An adapter whose
// matrices have several ranks can be written as GGUF only when it is not rank-stabilized, and not
// as a folder: Error(usage).
void save_adapter_gguf(const std::string& path, const ModelConfig& config,
                       const graph::Graph& model, const Adapter& adapter);
// `base` is what adapter_config.json calls the model.
void save_adapter_peft(const std::string& folder, const graph::Graph& model, const Adapter& adapter,
                       const std::string& base);

}  // namespace avocado
