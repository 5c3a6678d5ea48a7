#pragma once
// One training run in memory: parameters, optimizer state and the position in the data. After n
// steps these are a pure function of (model config, initial weights, options, data); nothing of
// threads, instruction set or time enters.
//
// A step: every micro-batch gives the loss and the gradient of the sum of its token losses, or of
// the losses of its pairs (preference.h); these are added in a fixed binary tree over the
// micro-batch index (gradient_tree.h); the gradient is divided by the number of learned tokens, or
// of pairs, clipped by its global norm, and the optimizer moves the weights.
//
// Several processes may make the steps together (sharding.h). Then each has a Trainer made from the
// same arguments, and what is marked "by all" has to be called by all of them, with the same
// arguments and in the same order.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "graph/graph.h"
#include "models/config.h"
#include "models/model.h"
#include "train/adapter_options.h"
#include "train/dataset.h"
#include "train/options.h"
#include "train/preference.h"
#include "train/processes.h"

namespace avocado {

struct StepResult {
  int64_t step = 0;       // steps completed, this one included
  uint64_t position = 0;  // rows of data seen, those of this step included
  double loss = 0;       // mean over the learned tokens or the pairs of the step, before the update
  double grad_norm = 0;  // of the mean loss, before clipping
  double lr = 0;
  int64_t learned = 0;  // tokens in the loss
  int64_t inputs = 0;   // tokens fed
  PreferenceMetrics preference = {};
  std::string digest;  // of the state after the step when one is due (digest_every), else empty
  std::string chain;   // digest over all records up to this one
};

// The chain after a step: SHA-256 over the former chain and every number of the record but the
// time. It begins as the definition digest.
std::string next_chain(const std::string& former, const StepResult& result);

class Trainer {
 public:
  // Fresh weights from options.seed. `data`, `pool` and `processes` must outlive the trainer.
  // Throws Error(input) when config, options and data do not fit together.
  Trainer(const ModelConfig& config, const TrainOptions& options, const Dataset& data,
          ThreadPool& pool, Processes& processes = single_process());
  // Starts from these weights instead, in the order of build_graph(config).weights.
  Trainer(const ModelConfig& config, const TrainOptions& options, const Dataset& data,
          std::span<const float* const> initial, ThreadPool& pool,
          Processes& processes = single_process());
  // Trains an adapter on a model that stays as it is.
  Trainer(std::shared_ptr<const Model> base, const AdapterOptions& adapter,
          const TrainOptions& options, const Dataset& data, ThreadPool& pool,
          Processes& processes = single_process());
  ~Trainer();

  // Less memory for more time (graph/schedule.h); changes no bit. To be set between steps.
  void set_recompute(bool on);

  // Seconds spent in each kind of node (graph::Executor), and in "zero the gradient", "add
  // micro-batches", "norm of the gradient" and "update".
  void enable_profile();
  std::map<std::string, double> profile() const;

  // By all. Throws Error(input) when the loss is no longer finite; the state is then spoilt.
  StepResult step();
  bool finished() const;

  // Mean loss over the learned tokens, or the pairs, of the first `rows` rows of `data` (all when
  // fewer).
  double evaluate(const Dataset& data, int64_t rows);
  // By all: the same with the average of the weights (options.ema > 0).
  double evaluate_average(const Dataset& data, int64_t rows);
  // Logits of the token that follows `ids`, [vocab]: to the bit what inference gives for these
  // weights. Computed from the first token on, so its cost grows with the length. Throws
  // Error(usage) when ids is empty or longer than the context.
  std::vector<float> next_logits(std::span<const int32_t> ids);

  // The log-probability of the learned tokens of every sequence of `data` by the weights as they
  // are.
  std::vector<double> log_probabilities(const Dataset& data);
  // DPO compares with the log_probabilities before the first step. Those of data that is not named
  // here are computed when they are first needed, which is an error after that step.
  void set_reference(const Dataset& data, std::vector<double> log_probabilities);

  const ModelConfig& config() const;
  const TrainOptions& options() const;
  // The weights that learn: with an adapter only its own, and no nodes.
  const graph::Graph& graph() const;
  double flops_per_token() const;             // of a step, attention aside
  std::vector<const float*> weights() const;  // in the order of graph().weights
  // By all: the average of the weights over the steps, as it is until the next step; empty when
  // options.ema is 0.
  std::vector<const float*> averaged_weights() const;
  // The adapter with these values, weights() or averaged_weights(); only for a trainer of one.
  Adapter adapter(const std::vector<const float*>& values) const;
  int64_t completed_steps() const;
  uint64_t data_position() const;  // rows seen

  // Model config, options, digest of the data and of the initial weights as JSON, with an adapter
  // also its options and the digest of the model's weights, and the SHA-256 of it all.
  const std::string& definition_text() const;
  const std::string& definition_digest() const;
  // By all: over steps, data position, definition, parameters and all that is kept
  // (digest.h).
  std::string state_digest() const;
  const std::string& chain() const;

  // By all: writes the state, atomically (docs/formats/run.md); the leader's process does.
  void save_checkpoint(const std::string& path) const;
  // Replaces the state. Throws Error(input) when the file is damaged or belongs to another run.
  void load_checkpoint(const std::string& path);
  // By all, the leader's answer counts: what differs first between the file and this state; empty
  // when nothing does. Throws as above.
  std::string compare_checkpoint(const std::string& path) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace avocado
