#pragma once
// One model of a model and its adapters.

#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "models/model.h"

namespace avocado {

// Writes the GGUF file, atomically. A matrix with an adapter becomes adapted_rows
// (graph/adapters.h) and with DoRA (magnitude / norm) times that, in f32, adapter after adapter,
// and is then rounded to `type`: F32, F16 or BF16. Without a type it keeps its own where that is
// one of these, and becomes F16 where it was in blocks: it is never put into blocks again. All
// other tensors stay as they are. `model` has no adapters attached. Throws Error(usage) where
// Model::attach does, and Error(input) when a number does not fit into F16.
void merge_adapters(const Model& model, const std::vector<ScaledAdapter>& adapters,
                    std::optional<DType> type, const std::string& out, ThreadPool& pool);

}  // namespace avocado
