#pragma once
// A model in memory: numbers, node list, weights, tokenizer. Loading is strict both ways: every
// declared tensor must be in the file with its shape, every tensor of the file must be declared.

#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "files/gguf.h"
#include "files/safetensors.h"
#include "graph/executor.h"
#include "graph/graph.h"
#include "models/adapter.h"
#include "models/config.h"
#include "models/packed_cache.h"
#include "models/rope_options.h"
#include "text/tokenizer.h"

namespace avocado {

class Model {
 public:
  // A GGUF file or a Hugging Face folder (config.json, *.safetensors, tokenizer.json).
  // Throws Error(input). `pool` is used to lay out the weights, unless `cache` has them already.
  // `rope` changes config(); a model whose frequencies depend on the context needs to be told here
  // which one is asked for (rope_frequencies.h).
  static Model load(const std::string& path, ThreadPool& pool,
                    const PackedCache& cache = default_packed_cache(),
                    const RopeOptions& rope = {});

  // Bytes that load() would take with no cache: the tensors of the files, which stay mapped, and
  // what is laid out of them.
  static uint64_t memory(const std::string& path);

  const ModelConfig& config() const { return config_; }
  const graph::Graph& graph() const { return *graph_; }
  // Null for a folder without tokenizer.json or a GGUF without tokenizer metadata.
  const Tokenizer* tokenizer() const { return tokenizer_.get(); }
  // The chat template of the file, empty when it has none.
  const std::string& chat_template() const { return chat_template_; }
  // Where the packed matrices are.
  PackedIn packed_in() const;
  // Digest of all weights as stored: SHA-256 over name, type, shape and bytes, in the order of
  // graph().weights.
  std::string weights_digest() const;

  // References for an executor over this model; valid while the model lives.
  std::vector<graph::WeightRef<float>> weights() const;
  // Puts adapters on the model: graph(), weights() and their digest are then those of both. Once
  // per model. Throws Error(usage) when a DoRA adapter is not alone on a matrix, or is to be
  // scaled.
  void attach(std::vector<ScaledAdapter> adapters, ThreadPool& pool);

  // The tensor of a weight as it is stored, but with its rows in our order: a copy of its own where
  // the file has another.
  struct OwnOrder {
    std::vector<std::byte> moved;
    TensorView view;
  };
  OwnOrder in_own_order(size_t weight) const;
  // The same values widened to double (allocates; for accuracy checks).
  std::vector<std::vector<double>> weights_as_double() const;

 private:
  struct Storage;
  static Model open(const std::string& path, const RopeOptions& rope);
  bool permuted(size_t weight) const;
  bool decodes(size_t weight) const;

  ModelConfig config_;
  std::unique_ptr<graph::Graph> graph_;  // stable address: executors refer to it
  std::shared_ptr<Storage> storage_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string chat_template_;
};

// Reads the numbers only.
ModelConfig config_from_gguf(const GgufFile& file);
ModelConfig config_from_hf(const std::string& config_json_path);

// Writes a GGUF v3 file, atomically: F32 tensors, or tensors as they are stored. `weights` in the
// order of graph.weights.
void save_gguf(const std::string& path, const ModelConfig& config, const graph::Graph& graph,
               const std::vector<const float*>& weights, const Tokenizer* tokenizer,
               const std::string& chat_template);
struct StoredWeight {
  DType type;
  std::span<const std::byte> bytes;
};
void save_gguf(const std::string& path, const ModelConfig& config, const graph::Graph& graph,
               const std::vector<StoredWeight>& weights, const Tokenizer* tokenizer,
               const std::string& chat_template);
// Writes config.json and model.safetensors into a folder (Hugging Face names and weight order).
void save_huggingface(const std::string& folder, const ModelConfig& config,
                      const graph::Graph& graph, const std::vector<const float*>& weights);

// Digest of F32 weights by the same rule as Model::weights_digest.
std::string weights_digest(const graph::Graph& graph, const std::vector<const float*>& weights);

}  // namespace avocado
