#pragma once
// The architectures this build knows. A new one is one small file in arch/ and one line in
// registry.cc.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "files/gguf.h"
#include "graph/graph.h"
#include "models/config.h"

namespace avocado {

struct Architecture {
  const char* name;       // ours: ModelConfig::architecture
  const char* gguf_name;  // general.architecture in GGUF files
  const char* hf_type;    // model_type in config.json
  const char* hf_class;   // architectures[0] in config.json
  kernels::RopeStyle rope;
  // Add what this architecture has beyond the common fields, which are read already, and refuse
  // variants it does not compute by name.
  void (*read_gguf)(const GgufFile& file, ModelConfig& config);
  void (*read_hf)(const nlohmann::json& json, const std::string& source, ModelConfig& config);
  // Emits the nodes.
  void (*build)(graph::Builder& builder, const ModelConfig& config);
  // A config small enough for tests that still uses everything the architecture has.
  ModelConfig (*tiny)();
};

const std::vector<const Architecture*>& architectures();
// Throw Error(input) with `source`, the unknown name and those that are known.
const Architecture& architecture(const std::string& name, const std::string& source);
const Architecture& architecture_by_gguf_name(const std::string& gguf_name,
                                              const std::string& source);
const Architecture& architecture_by_hf_type(const std::string& model_type,
                                            const std::string& source);

// The whole node list of a model: rope table, nodes, weights.
graph::Graph build_graph(const ModelConfig& config);

}  // namespace avocado
