#pragma once
// Row order of query and key projections. Architectures that turn adjacent pairs keep, in each
// head, rows 2i and 2i + 1 for the pair i; Hugging Face files keep rows i and i + head_dim / 2. Our
// order is GGUF's; rows are moved when a folder is read or written, so both files give the same
// bits.

#include <cstddef>
#include <vector>

#include "graph/graph.h"
#include "tensor/view.h"

namespace avocado {

// Bytes of `tensor`, whose rows lie in Hugging Face order, in ours, and back.
std::vector<std::byte> rows_from_hf(const TensorView& tensor, const graph::Weight& weight);
std::vector<std::byte> rows_to_hf(const TensorView& tensor, const graph::Weight& weight);

}  // namespace avocado
