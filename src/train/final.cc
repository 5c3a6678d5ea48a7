#include "train/final.h"

#include <filesystem>

#include "models/model.h"
#include "models/registry.h"

namespace avocado {

std::string write_final(const Run& run, const Trainer& trainer) {
  if (!run.adapter()) {
    save_gguf(run.final_path(), run.config(), trainer.graph(), trainer.weights(), run.tokenizer(),
              run.chat_template());
  } else {
    const graph::Graph model = build_graph(run.config());
    const Adapter adapter = trainer.adapter();
    save_adapter_peft(run.folder() + "/adapter", model, adapter, run.base_name());
    save_adapter_gguf(run.final_path(), run.config(), model, adapter);
  }
  return weights_digest(trainer.graph(), trainer.weights());
}

std::string read_final_digest(const Run& run, ThreadPool& pool) {
  if (!run.adapter()) return Model::load(run.final_path(), pool, {}).weights_digest();
  const graph::Graph model = build_graph(run.config());
  return load_adapter(run.final_path(), run.config(), model).digest(model);
}

}  // namespace avocado
