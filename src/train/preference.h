#pragma once
// Losses on pairs of answers to one prompt, of which the first is preferred. With c and r the
// log-probabilities of the chosen and the rejected answer:
//
//   dpo    h = beta ((c - c0) - (r - r0)),  loss = -(1 - s) log sigma(h) - s log sigma(-h)
//          c0 and r0 are those of the weights before the first step, s is the label smoothing
//          (Rafailov et al., "Direct Preference Optimization", 2023).
//   simpo  h = beta (c / |c| - r / |r|) - gamma,  loss = -log sigma(h)
//          |c| and |r| count learned tokens (Meng et al., "SimPO: Simple Preference Optimization
//          with a Reference-Free Reward", 2024). Without a reference there is SimPO rather than
//          ORPO, because it compares what decoding goes by, the mean log-probability of a token,
//          and is one term: no second loss whose weight would have to be found.
//
// A pair is two neighbours of one row: sequence 2i of the data is chosen, 2i + 1 rejected.
//
// ORDER OF ROUNDING. Token losses are floats; a log-probability is minus their sum in double,
// tokens ascending. Everything after it is double, with the project's own exp and log. The gradient
// of the pair's loss is that of its token losses times one number per answer, rounded to float
// once.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "train/dataset.h"
#include "train/options.h"

namespace avocado {

struct PairLoss {
  double loss = 0;
  double chosen_reward = 0, rejected_reward = 0;  // h is their difference, less gamma
  double chosen_weight = 0, rejected_weight = 0;  // d loss / d (sum of the answer's token losses)

  bool preferred() const { return chosen_reward > rejected_reward; }
};

// An answer as the model sees it; `reference` is its log-probability before the first step.
struct AnswerScore {
  double log_probability = 0, reference = 0;
  int64_t tokens = 0;  // learned
};

// Asks for options.loss "dpo" or "simpo".
PairLoss pair_loss(const TrainOptions& options, const AnswerScore& chosen,
                   const AnswerScore& rejected);

// One score per sequence of the batch. `losses` are those of its wanted rows; `reference` holds one
// number per sequence of the data the batch is from, or nothing.
std::vector<AnswerScore> score_answers(const RowBatch& batch, std::span<const float> losses,
                                       std::span<const double> reference);

struct WeighedPairs {
  std::vector<PairLoss> pairs;
  std::vector<float> row_scales;  // per wanted row of the batch, for kernels::cross_entropy
};
WeighedPairs weigh_pairs(const TrainOptions& options, const RowBatch& batch,
                         std::span<const float> losses, std::span<const double> reference);

// Of the pairs of one step, before its update.
struct PreferenceMetrics {
  int64_t pairs = 0;    // 0: the loss is not of pairs
  double accuracy = 0;  // share of pairs whose chosen answer has the higher reward
  double chosen_reward = 0, rejected_reward = 0;  // means
};

// Counts over pairs. Rewards are added in units of 2^-20, as integers, so that their sum does not
// depend on how the pairs of a step are spread.
struct PreferenceTally {
  std::array<int64_t, 4> counts{};  // pairs, those whose chosen answer is ahead, both rewards

  void add(const PairLoss& pair);
  PreferenceMetrics metrics() const;
};

// Throws Error(input) unless every row of the data holds whole pairs, and every answer something to
// learn.
void require_pairs(const Dataset& data);

}  // namespace avocado
