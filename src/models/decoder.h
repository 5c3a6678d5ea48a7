#pragma once
// The decoder that the Llama family shares. An architecture says in its config how it differs.

#include "graph/graph.h"
#include "models/config.h"

namespace avocado {

// x = embed(ids); per layer x += attention(norm(x)), x += swiglu-mlp(norm(x)); logits =
// head(norm(x)).
void build_decoder(graph::Builder& builder, const ModelConfig& config, bool permuted_in_hf);

}  // namespace avocado
