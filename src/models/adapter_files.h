#pragma once
// What the readers of both adapter formats share.

#include <map>
#include <string>

#include "files/gguf.h"
#include "files/safetensors.h"
#include "models/adapter.h"

namespace avocado {

// The tensors of one matrix; null where absent.
struct AdapterTensors {
  const TensorView *a = nullptr, *b = nullptr, *magnitude = nullptr;
};

// Tensors by the name of the weight they are for.
using AdapterTensorMap = std::map<std::string, AdapterTensors>;

// Checks every name, shape and type against the model; `name` says which name of a weight the map
// has, and with `from_hf` rows come in the order of Hugging Face files. Throws Error(input).
std::vector<AdapterMatrix> read_adapter_matrices(const AdapterTensorMap& tensors,
                                                 const graph::Graph& model,
                                                 std::string graph::Weight::*name, bool from_hf,
                                                 const std::string& source);

Adapter read_adapter_gguf(const GgufFile& file, const ModelConfig& config,
                          const graph::Graph& model);
// `config` is the text of adapter_config.json; `folder` is used in messages.
Adapter read_adapter_peft(const std::string& config, const SafetensorsFile& file,
                          const graph::Graph& model, const std::string& folder);

}  // namespace avocado
