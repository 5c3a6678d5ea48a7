#pragma once
// The options of a training run: everything that defines its result, beside model and data.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace avocado {

// Weights with numbers of their own. Of the groups that match a weight the first one counts.
struct WeightGroup {
  std::string match;                   // a name as GGUF spells it; * stands for any text
  double lr_scale = 1;                 // times the learning rate; 0: these weights stay
  std::optional<double> weight_decay;  // instead of the run's, for vectors too

  bool operator==(const WeightGroup&) const = default;
};

// What the loss is of: tokens, or pairs of answers (preference.h).
inline constexpr const char* kNextToken = "next-token";
inline constexpr const char* kDpo = "dpo";
inline constexpr const char* kSimpo = "simpo";

struct TrainOptions {
  int64_t steps = 0;
  int64_t rows = 8;           // per micro-batch
  int64_t micro_batches = 1;  // per step
  double lr = 1e-3;           // at the end of the warm-up
  double min_lr = 1e-4;       // at the last step
  int64_t warmup = 0;         // steps
  double weight_decay = 0.1;  // of matrices; vectors have none
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  double clip = 1;                // largest norm of the gradient, 0: any
  uint64_t seed = 0;              // of the initial weights and of the data order
  std::string precision = "f32";  // of the factors of products: f32, or bf16 (kernels/linear)
  int64_t digest_every = 10;  // steps between digests of the state; the last step has one always

  std::string optimizer = "adamw";      // train/optimizers
  double momentum = 0.9;                // sgd and muon
  bool nesterov = false;                // sgd and muon
  std::string optimizer_state = "f32";  // or "8bit": what is kept of matrices (kernels/block8)
  std::string schedule = "cosine";      // train/schedule.h
  int64_t decay_steps = 0;              // of the schedule wsd
  std::string decay_shape = "linear";   // of the schedule wsd
  double ema = 0;                       // share of the old average that stays; 0: no average
  std::vector<WeightGroup> groups{};

  std::string loss = kNextToken;  // or kDpo, kSimpo
  double beta = 0.1;              // dpo, simpo: factor of the rewards
  double label_smoothing = 0;     // dpo: how often a pair may be the wrong way round, below 0.5
  double gamma = 1;               // simpo: how far apart the rewards should be

  bool prefers() const { return loss == kDpo || loss == kSimpo; }

  bool operator==(const TrainOptions&) const = default;
};

// Throws Error(input) when a number is out of range; the message begins with where(field).
void check_options(const TrainOptions& options,
                   const std::function<std::string(const char* field)>& where);

// As in run.json and in the definition of a run. The second throws Error(input) naming `source` and
// the field when one is missing, unknown or of another type.
nlohmann::ordered_json options_to_json(const TrainOptions& options);
TrainOptions options_from_json(const nlohmann::ordered_json& json, const std::string& source);

}  // namespace avocado
