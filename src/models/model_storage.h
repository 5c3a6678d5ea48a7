#pragma once
// What a model keeps in memory (model.h), for the files that implement it.

#include <optional>
#include <variant>
#include <vector>

#include "files/gguf.h"
#include "files/safetensors.h"
#include "graph/adapters.h"
#include "models/model.h"
#include "models/packing.h"
#include "tensor/buffer.h"

namespace avocado {

// The file stays mapped; what the kernels cannot read in place is decoded or packed once.
struct Model::Storage {
  std::variant<std::monostate, GgufFile, SafetensorsFile> file;
  std::vector<ModelSource> sources;
  std::string configuration;           // decides the order of rows where the tensors' file does not
  size_t from_file = 0;                // weights of the graph before those of adapters
  std::vector<TensorView> stored;      // per weight of the graph, as in the file
  std::vector<Buffer<float>> decoded;  // per weight; empty when not needed
  std::vector<PackedMatrix> matrices;  // per weight; over the bytes of one of the next two
  PackedWeights packed;
  std::vector<Buffer<std::byte>> owned;
  std::vector<ScaledAdapter> adapters;
  std::optional<graph::RowNorms<float>> norms;  // of DoRA adapters
};

}  // namespace avocado
