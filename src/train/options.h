#pragma once
// The options of a training run: everything that defines its result, beside model and data.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace avocado {

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
  double clip = 1;             // largest norm of the gradient, 0: any
  uint64_t seed = 0;           // of the initial weights and of the data order
  int64_t digest_every = 100;  // steps between digests of the state; the last step has one always

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
