#include "models/registry.h"

#include "base/error.h"
#include "models/rope_frequencies.h"

namespace avocado {

extern const Architecture kLlama, kMistral, kQwen2, kQwen3;

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> list = {&kLlama, &kMistral, &kQwen2, &kQwen3};
  return list;
}

namespace {

const Architecture& find(const char* Architecture::*field, const std::string& wanted,
                         const std::string& source) {
  std::string known;
  for (const Architecture* a : architectures()) {
    if (a->*field == wanted) return *a;
    known += (known.empty() ? "" : ", ") + std::string(a->*field);
  }
  fail_input("{}: architecture '{}' is not supported; this build knows {}", source, wanted, known);
}

}  // namespace

const Architecture& architecture(const std::string& name, const std::string& source) {
  return find(&Architecture::name, name, source);
}
const Architecture& architecture_by_gguf_name(const std::string& name, const std::string& source) {
  return find(&Architecture::gguf_name, name, source);
}
const Architecture& architecture_by_hf_type(const std::string& type, const std::string& source) {
  return find(&Architecture::hf_type, type, source);
}

graph::Graph build_graph(const ModelConfig& config) {
  const Architecture& a = architecture(config.architecture, "model");
  check_config(config, config.architecture);
  graph::Graph graph;
  graph.norm_eps = config.norm_eps;
  graph.rope = {.style = a.rope,
                .dim = config.rope_dim,
                .frequencies = rope_frequencies(config),
                .magnitude = rope_magnitude(config)};
  graph::Builder builder(graph);
  a.build(builder, config);
  return graph;
}

}  // namespace avocado
