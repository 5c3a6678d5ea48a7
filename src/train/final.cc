#include "train/final.h"

#include <filesystem>

#include "models/model.h"
#include "models/registry.h"

namespace avocado {

std::string write_final(const Run& run, const Trainer& trainer, const std::string& path,
                        const std::vector<const float*>& weights) {
  if (!run.adapter()) {
    save_gguf(path, run.config(), trainer.graph(), weights, run.tokenizer(), run.chat_template());
  } else {
    const graph::Graph model = build_graph(run.config());
    const Adapter adapter = trainer.adapter(weights);
    const std::string folder = std::filesystem::path(path).replace_extension().string();
    save_adapter_peft(folder, model, adapter, run.base_name());
    save_adapter_gguf(path, run.config(), model, adapter);
  }
  return weights_digest(trainer.graph(), weights);
}

std::vector<std::vector<float>> read_final(const Run& run, const std::string& path,
                                           ThreadPool& pool) {
  std::vector<std::vector<float>> weights;
  if (!run.adapter()) {
    for (const std::vector<double>& weight : Model::load(path, pool, {}).weights_as_double())
      weights.emplace_back(weight.begin(), weight.end());
    return weights;
  }
  const Adapter adapter = load_adapter(path, run.config(), build_graph(run.config()));
  for (const AdapterMatrix& m : adapter.matrices)
    for (const std::vector<float>* part : {&m.a, &m.b, &m.magnitude})
      if (!part->empty()) weights.push_back(*part);
  return weights;
}

}  // namespace avocado
