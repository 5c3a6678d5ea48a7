#pragma once
// The folder of a training run (docs/formats/run.md), and training in it.
//
// Killed at any moment, a run goes on from its last whole checkpoint and ends with the bits of an
// undisturbed one: files appear whole or not at all, and records of steps after the checkpoint are
// cut from the log before they are made again.

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "models/config.h"
#include "models/model.h"
#include "text/tokenizer.h"
#include "train/adapter_options.h"
#include "train/dataset.h"
#include "train/memory_estimate.h"
#include "train/metrics.h"
#include "train/recipe.h"
#include "train/trainer.h"

namespace avocado {

// What a run folder is made from.
struct RunSetup {
  ModelConfig config;
  TrainOptions options;
  const Dataset* train = nullptr;
  const Dataset* eval = nullptr;         // may be null
  const Tokenizer* tokenizer = nullptr;  // written into the folder and into final.gguf; may be null
  std::string chat_template;             // of final.gguf; may be empty
  std::vector<const float*> initial;     // weights to start from; empty: fresh ones
  std::optional<AdapterOptions> adapter;  // trains an adapter on
  std::shared_ptr<const Model> base;      // this model, which is kept in the folder and comes
  std::string base_path;                  // from here
  nlohmann::ordered_json recipe;          // what was asked for; compared when the run is resumed
  std::string recipe_text;                // run.toml as written; empty: none
  nlohmann::ordered_json sources;         // digests of source files by name; shown only
};

class Run {
 public:
  // True when `folder` holds a run (a folder whose making was cut off holds none).
  static bool exists(const std::string& folder);
  // Throws Error(input) when the folder holds other things, Error(resource) when it cannot be
  // written.
  static void create(const std::string& folder, const RunSetup& setup, ThreadPool& pool);
  // Throws Error(input) when run.json or a shard is damaged.
  static Run open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const ModelConfig& config() const { return config_; }
  const TrainOptions& options() const { return options_; }
  const Dataset& train_data() const { return *train_; }
  const Dataset* eval_data() const { return eval_ ? &*eval_ : nullptr; }
  const Tokenizer* tokenizer() const { return tokenizer_.get(); }
  const std::string& chat_template() const { return chat_template_; }
  const std::string& definition() const { return definition_; }
  const std::optional<AdapterOptions>& adapter() const { return adapter_; }
  // What the recipe calls the model under the adapter.
  std::string base_name() const;
  const nlohmann::ordered_json& manifest() const { return manifest_; }

  std::string manifest_path() const { return folder_ + "/run.json"; }
  std::string metrics_path() const { return folder_ + "/metrics.jsonl"; }
  // The adapter, or the model, that a finished run leaves, and the same of the averages (final.h).
  std::string final_path() const { return folder_ + (adapter_ ? "/adapter.gguf" : "/final.gguf"); }
  std::string final_average_path() const {
    return folder_ + (adapter_ ? "/adapter-ema.gguf" : "/final-ema.gguf");
  }
  std::string base_path() const { return folder_ + "/base.gguf"; }  // of a run with an adapter
  std::string reference_path() const { return folder_ + "/reference.safetensors"; }
  std::string checkpoint_path(int64_t step) const;
  // Steps of the checkpoint files that are there, ascending.
  std::vector<int64_t> checkpoints() const;

  // A trainer before its first step. Throws Error(input) when its definition is not the run's.
  std::unique_ptr<Trainer> make_trainer(ThreadPool& pool,
                                        Processes& processes = single_process()) const;

 private:
  std::string folder_;
  ModelConfig config_;
  TrainOptions options_;
  std::optional<Dataset> train_, eval_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string chat_template_;
  std::string definition_;
  std::optional<AdapterOptions> adapter_;
  nlohmann::ordered_json manifest_;
};

// Throws Error(input) when the folder is there and holds what is no part of a run that is being
// made: then it is somebody's own.
void require_free_folder(const std::string& folder);

// Removes what a killed writer left in a folder (files/atomic_file.h).
void remove_temporary_files(const std::string& folder);

// What train_run() asks of the memory, in one of several processes.
MemoryRequest memory_request(const Run& run, const RunOptions& options, int threads,
                             const Processes& processes = single_process());

struct RunObserver {
  std::function<void(const MemoryEstimate&)> on_memory;  // before anything large is allocated
  std::function<void(int64_t completed)> on_start;  // after resuming: steps that need not be made
  std::function<void(const StepResult&, double tokens_per_s)> on_step;
  std::function<void(int64_t step, double loss)> on_eval;
  std::function<void(int64_t step, const std::string& path)> on_checkpoint;
  // When samples are due (RunOptions), before a checkpoint of the same step.
  std::function<void(int64_t step, Trainer&)> on_sample;
  std::function<void(const std::string&)> on_warning;
};

struct RunOutcome {
  bool finished = false;
  int64_t steps = 0;  // completed
  std::string chain;
  std::string weights_digest;  // of the final file; empty unless finished
};

// Trains from the last whole checkpoint to the end, or until *stop becomes true: then the step is
// finished and a checkpoint written. A finished run is left as it is. Several processes train
// together when all of them call it; the leader's observer is told. An error in one of them has to
// end the others too (Processes::abort), because they wait for it.
RunOutcome train_run(const Run& run, const RunOptions& options, ThreadPool& pool,
                     const RunObserver& observer, const std::atomic<bool>* stop = nullptr,
                     Processes& processes = single_process());

}  // namespace avocado
