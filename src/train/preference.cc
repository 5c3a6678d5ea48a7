#include "train/preference.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/math/math.h"

namespace avocado {
namespace {

constexpr double kRewardUnits = 1 << 20;

double sigmoid(double x) { return 1 / (1 + kernels::exp(-x)); }

// -log sigmoid(x), without overflow.
double minus_log_sigmoid(double x) {
  return std::max(-x, 0.0) + kernels::log(1 + kernels::exp(-std::abs(x)));
}

int64_t in_units(double reward) {
  constexpr double kMost = int64_t{1} << 40;
  if (std::isnan(reward)) return 0;
  return std::llround(std::clamp(reward * kRewardUnits, -kMost, kMost));
}

}  // namespace

PairLoss pair_loss(const TrainOptions& options, const AnswerScore& chosen,
                   const AnswerScore& rejected) {
  const bool dpo = options.loss == kDpo;
  // A reward is `slope` times a log-probability, plus what does not depend on the weights.
  const auto slope = [&](const AnswerScore& answer) {
    return dpo ? options.beta : options.beta / static_cast<double>(answer.tokens);
  };
  const auto reward = [&](const AnswerScore& answer) {
    return slope(answer) * (answer.log_probability - (dpo ? answer.reference : 0));
  };
  const double smoothing = dpo ? options.label_smoothing : 0;
  PairLoss pair;
  pair.chosen_reward = reward(chosen);
  pair.rejected_reward = reward(rejected);
  const double h = (pair.chosen_reward - pair.rejected_reward) - (dpo ? 0 : options.gamma);
  pair.loss = (1 - smoothing) * minus_log_sigmoid(h) + smoothing * minus_log_sigmoid(-h);
  // -d loss / dh. A token loss is minus a log-probability, so this is the chosen answer's sign.
  const double pull = (1 - smoothing) * sigmoid(-h) - smoothing * sigmoid(h);
  pair.chosen_weight = slope(chosen) * pull;
  pair.rejected_weight = -(slope(rejected) * pull);
  return pair;
}

std::vector<AnswerScore> score_answers(const RowBatch& batch, std::span<const float> losses,
                                       std::span<const double> reference) {
  std::vector<AnswerScore> scores;
  int64_t end = 0;  // rows of the batch up to the end of the sequence
  size_t wanted = 0;
  for (size_t s = 0; s < batch.sequences.size(); ++s) {
    AnswerScore score;
    double loss = 0;
    end += batch.sequences[s].count;
    for (; wanted < batch.wanted.size() && batch.wanted[wanted] < end; ++wanted, ++score.tokens)
      loss += static_cast<double>(losses[wanted]);
    score.log_probability = -loss;
    if (!reference.empty()) score.reference = reference[static_cast<size_t>(batch.source[s])];
    scores.push_back(score);
  }
  return scores;
}

WeighedPairs weigh_pairs(const TrainOptions& options, const RowBatch& batch,
                         std::span<const float> losses, std::span<const double> reference) {
  const std::vector<AnswerScore> scores = score_answers(batch, losses, reference);
  WeighedPairs weighed;
  for (size_t s = 0; s + 1 < scores.size(); s += 2) {
    const PairLoss pair = pair_loss(options, scores[s], scores[s + 1]);
    weighed.pairs.push_back(pair);
    weighed.row_scales.insert(weighed.row_scales.end(), static_cast<size_t>(scores[s].tokens),
                              static_cast<float>(pair.chosen_weight));
    weighed.row_scales.insert(weighed.row_scales.end(), static_cast<size_t>(scores[s + 1].tokens),
                              static_cast<float>(pair.rejected_weight));
  }
  return weighed;
}

void PreferenceTally::add(const PairLoss& pair) {
  ++counts[0];
  counts[1] += pair.preferred();
  counts[2] += in_units(pair.chosen_reward);
  counts[3] += in_units(pair.rejected_reward);
}

PreferenceMetrics PreferenceTally::metrics() const {
  const auto mean = [&](size_t of) {
    return static_cast<double>(counts[of]) / static_cast<double>(counts[0]);
  };
  return {.pairs = counts[0],
          .accuracy = mean(1),
          .chosen_reward = mean(2) / kRewardUnits,
          .rejected_reward = mean(3) / kRewardUnits};
}

void require_pairs(const Dataset& data) {
  for (int64_t row = 0; row < data.rows(); ++row) {
    const int64_t first = data.first_sequence(row), last = data.last_sequence(row);
    bool whole = (last - first) % 2 == 0;
    for (int64_t s = first; s < last; ++s) {
      const std::span<const uint32_t> tokens = data.sequence(s).subspan(1);
      whole &= std::any_of(tokens.begin(), tokens.end(),
                           [](uint32_t token) { return (token & Dataset::kLearn) != 0; });
    }
    if (!whole)
      fail_input(
          "row {} of the data holds no whole pairs of answers; make the data from lines of "
          "{{\"prompt\", \"chosen\", \"rejected\"}}",
          row);
  }
}

}  // namespace avocado
