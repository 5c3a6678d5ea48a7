#pragma once
// How the matrices of a model are laid out for the kernels: once, into memory or into the file of
// packed weights (packed_cache.h).

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/thread_pool.h"
#include "graph/graph.h"
#include "kernels/linear/linear.h"
#include "kernels/quantized/quantized.h"
#include "models/packed_file.h"
#include "tensor/buffer.h"
#include "tensor/view.h"

namespace avocado {

using PackedMatrix = std::variant<std::monostate, kernels::PackedWeight, kernels::QuantizedWeight>;

// What packing this tensor gives: blocks stay blocks, floats are taken as BF16 or F32.
PackedEntry packing_of(const TensorView& tensor, const graph::Weight& weight, uint32_t index);

// Fills `packed` (entry.bytes, aligned to 64) from the rows of the tensor.
void pack_matrix(ThreadPool& pool, const TensorView& tensor, const PackedEntry& entry,
                 std::byte* packed);

// The matrix over bytes that pack_matrix filled and that outlive it.
PackedMatrix packed_matrix(const PackedEntry& entry, const std::byte* packed);

// Names the layouts of these matrices: equal names, equal bytes.
std::string layout_of(std::span<const PackedEntry> entries);

// Row-major floats of a tensor.
Buffer<float> decode(ThreadPool& pool, const TensorView& tensor, int64_t rows, int64_t cols);

}  // namespace avocado
