#include "train/preference.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/philox.h"
#include "graph/executor.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/isa.h"
#include "models/registry.h"
#include "train/test_pairs.h"
#include "train/test_processes.h"
#include "train/trainer.h"

namespace avocado {
namespace {

using test::dataset_of;
using test::DocumentPair;

constexpr int64_t kVocab = 96, kRowTokens = 40;

TrainOptions options_for(const char* loss) {
  TrainOptions options;
  options.steps = 12;
  options.rows = 2;
  options.micro_batches = 3;
  options.lr = 2e-3;
  options.min_lr = 1e-3;
  options.warmup = 2;
  options.weight_decay = 0;
  options.seed = 5;
  options.digest_every = 4;
  options.loss = loss;
  options.beta = options.loss == kDpo ? 0.3 : 2;
  options.label_smoothing = options.loss == kDpo ? 0.1 : 0;
  return options;
}

// The chosen answer counts upwards, the rejected one downwards, both from the prompt's last token.
std::vector<DocumentPair> make_pairs() {
  const Random random(1, Purpose::test);
  std::vector<DocumentPair> pairs;
  for (uint64_t p = 0; p < 30; ++p) {
    DocumentPair pair;
    const auto first = static_cast<int32_t>(random.below(3 * p, kVocab));
    const auto prompt = static_cast<int32_t>(1 + random.below(3 * p + 1, 6));
    for (Document* document : {&pair.chosen, &pair.rejected}) {
      const int32_t step = document == &pair.chosen ? 1 : -1;
      const auto count =
          static_cast<int32_t>(2 + random.below(3 * p + 2, 5) + (step > 0 ? 0 : p % 3));
      for (int32_t i = 0; i < prompt + count; ++i) {
        const int32_t at = first + (i < prompt ? i : prompt - 1 + step * (i - prompt + 1));
        document->ids.push_back((at + static_cast<int32_t>(kVocab)) % static_cast<int32_t>(kVocab));
        document->learn.push_back(i >= prompt);
      }
    }
    pairs.push_back(pair);
  }
  return pairs;
}

Dataset pair_data() { return dataset_of(make_pairs(), kRowTokens, kVocab); }

ModelConfig tiny_model(const char* name = "llama") {
  ModelConfig config = architecture(name, "test").tiny();
  config.vocab = kVocab;
  config.context = kRowTokens;
  return config;
}

struct Outcome {
  std::vector<StepResult> steps;
  std::string state;
};

Outcome outcome_of(Trainer& trainer) {
  Outcome outcome;
  while (!trainer.finished()) outcome.steps.push_back(trainer.step());
  outcome.state = trainer.state_digest();
  return outcome;
}

Outcome train(int threads, const TrainOptions& options) {
  ThreadPool pool(threads);
  const Dataset data = pair_data();
  Trainer trainer(tiny_model(), options, data, pool);
  return outcome_of(trainer);
}

void expect_same(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.steps.size(), b.steps.size());
  for (size_t i = 0; i < a.steps.size(); ++i) EXPECT_EQ(a.steps[i].chain, b.steps[i].chain) << i;
  EXPECT_EQ(a.state, b.state);
}

TEST(PairLoss, DpoOfEqualMarginsIsLogTwo) {
  const PairLoss pair =
      pair_loss(options_for(kDpo), {.log_probability = -7, .reference = -5, .tokens = 3},
                {.log_probability = -9, .reference = -7, .tokens = 4});
  EXPECT_NEAR(pair.loss, std::log(2.0), 1e-15);
  EXPECT_FALSE(pair.preferred());
  // 0.3 * (0.9 - 0.1) / 2
  EXPECT_NEAR(pair.chosen_weight, 0.12, 1e-15);
  EXPECT_EQ(pair.rejected_weight, -pair.chosen_weight);
}

TEST(PairLoss, AgreesWithTheFormulas) {
  const AnswerScore chosen{-3.5, -4.25, 5}, rejected{-11, -8.5, 2};
  TrainOptions options = options_for(kDpo);
  const double h = 0.3 * ((-3.5 + 4.25) - (-11 + 8.5));
  const auto log_sigmoid = [](double x) { return -std::log1p(std::exp(-x)); };
  EXPECT_NEAR(pair_loss(options, chosen, rejected).loss,
              -0.9 * log_sigmoid(h) - 0.1 * log_sigmoid(-h), 1e-14);
  EXPECT_NEAR(pair_loss(options, chosen, rejected).chosen_reward, 0.3 * 0.75, 1e-15);

  options = options_for(kSimpo);
  options.gamma = 0.7;
  const double margin = 2 * (-3.5 / 5 + 11.0 / 2) - 0.7;
  EXPECT_NEAR(pair_loss(options, chosen, rejected).loss, -log_sigmoid(margin), 1e-14);
}

TEST(PairLoss, WeightsAreTheSlopes) {
  for (const char* loss : {kDpo, kSimpo})
    for (double gap : {-300.0, -2.0, 0.0, 0.5, 40.0}) {
      const TrainOptions options = options_for(loss);
      const AnswerScore chosen{-20 + gap, -19, 7}, rejected{-20, -21, 4};
      const double e = 1e-4;
      const auto at = [&](double dc, double dr) {
        AnswerScore c = chosen, r = rejected;
        c.log_probability += dc;
        r.log_probability += dr;
        return pair_loss(options, c, r).loss;
      };
      const PairLoss pair = pair_loss(options, chosen, rejected);
      // A token loss is minus a log-probability.
      EXPECT_NEAR(pair.chosen_weight, -(at(e, 0) - at(-e, 0)) / (2 * e), 1e-7) << loss << gap;
      EXPECT_NEAR(pair.rejected_weight, -(at(0, e) - at(0, -e)) / (2 * e), 1e-7) << loss << gap;
    }
}

TEST(PairLoss, FarMarginsStayFinite) {
  for (const char* loss : {kDpo, kSimpo})
    for (double sign : {-1.0, 1.0}) {
      const PairLoss pair = pair_loss(options_for(loss), {sign * 1e6, 0, 1}, {-sign * 1e6, 0, 1});
      EXPECT_TRUE(std::isfinite(pair.loss));
      EXPECT_TRUE(std::isfinite(pair.chosen_weight));
      EXPECT_GE(pair.loss, 0);
    }
}

// The whole way in double: weights of a tiny model against differences of the mean pair loss.
TEST(Preference, GradientAgreesWithCentralDifferences) {
  const graph::Graph g = build_graph(tiny_model());
  ThreadPool pool(1);
  std::vector<std::vector<float>> start;
  std::vector<float*> pointers;
  for (const graph::Weight& w : g.weights) start.emplace_back(w.count());
  for (auto& v : start) pointers.push_back(v.data());
  graph::initialise(g, 3, pointers);
  std::vector<std::vector<double>> values, grads;
  std::vector<graph::WeightRef<double>> refs;
  for (const auto& v : start) {
    values.emplace_back(v.begin(), v.end());
    grads.emplace_back(v.size(), 0.0);
  }
  const Random random(4, Purpose::test);
  uint64_t draws = 0;
  for (auto& v : values)
    for (double& x : v) x += 0.3 * (random.uniform64(draws++) - 0.5);
  for (size_t w = 0; w < values.size(); ++w)
    refs.push_back({.data = values[w].data(), .grad = grads[w].data()});
  graph::Executor<double> executor(g, refs, pool);

  const Dataset data = pair_data();
  RowBatch batch;
  batch.append(data, 0);
  batch.append(data, 1);
  std::vector<graph::Sequence<double>> sequences;
  for (const auto& s : batch.sequences) sequences.push_back({.count = s.count});
  const graph::Batch<double> view{batch.ids, sequences, batch.wanted};
  const auto rows = static_cast<int64_t>(batch.wanted.size());

  for (const char* loss : {kDpo, kSimpo}) {
    const TrainOptions options = options_for(loss);
    const auto evaluate = [&](bool gradient) {
      double* logits = executor.forward_train(view);
      std::vector<double> losses(batch.wanted.size()), scales(batch.wanted.size());
      kernels::cross_entropy(pool, static_cast<const double*>(logits), batch.targets.data(),
                             losses.data(), static_cast<double*>(nullptr), rows, g.vocab(), 1.0);
      double sum = 0;
      size_t at = 0;
      int64_t end = 0;
      AnswerScore scores[2];
      size_t begins[3] = {};
      for (size_t s = 0; s < sequences.size(); ++s) {
        AnswerScore& score = scores[s % 2];
        score = {.reference = -3.0 - static_cast<double>(s)};
        begins[s % 2] = at;
        end += sequences[s].count;
        for (; at < losses.size() && batch.wanted[at] < end; ++at, ++score.tokens)
          score.log_probability -= losses[at];
        if (s % 2 == 0) continue;
        const PairLoss pair = pair_loss(options, scores[0], scores[1]);
        sum += pair.loss;
        std::fill(scales.begin() + begins[0], scales.begin() + begins[1], pair.chosen_weight);
        std::fill(scales.begin() + begins[1], scales.begin() + at, pair.rejected_weight);
      }
      if (gradient) {
        kernels::cross_entropy(pool, static_cast<const double*>(logits), batch.targets.data(),
                               losses.data(), logits, rows, g.vocab(), 1.0,
                               static_cast<const double*>(scales.data()));
        executor.backward(view, logits);
      }
      return sum;
    };
    for (auto& grad : grads) std::fill(grad.begin(), grad.end(), 0.0);
    evaluate(true);
    for (size_t w = 0; w < g.weights.size(); ++w) {
      double scale = 0;
      for (double v : grads[w]) scale = std::max(scale, std::abs(v));
      ASSERT_GT(scale, 1e-7) << g.weights[w].name << " has no gradient";
      for (uint64_t sample = 0; sample < 3; ++sample) {
        const size_t i = random.below(1u << 24 | (w * 16 + sample), grads[w].size());
        double& x = values[w][i];
        const double old = x, h = 1e-3;
        const auto at = [&](double d) {
          x = old + d;
          return evaluate(false);
        };
        const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        x = old;
        EXPECT_NEAR(numeric, grads[w][i], 1e-6 * scale) << loss << " " << g.weights[w].name;
      }
    }
  }
}

TEST(Preference, ScoresAddTokensOfTheirSequence) {
  const Dataset data = pair_data();
  RowBatch batch;
  batch.append(data, 1);
  batch.append(data, 0);
  std::vector<float> losses(batch.wanted.size());
  for (size_t i = 0; i < losses.size(); ++i) losses[i] = static_cast<float>(i + 1);
  std::vector<double> reference(static_cast<size_t>(data.last_sequence(data.rows() - 1)));
  for (size_t i = 0; i < reference.size(); ++i) reference[i] = 100.0 + static_cast<double>(i);
  const std::vector<AnswerScore> scores = score_answers(batch, losses, reference);
  ASSERT_EQ(scores.size(), batch.sequences.size());
  double total = 0;
  int64_t tokens = 0;
  for (const AnswerScore& score : scores) {
    EXPECT_GT(score.tokens, 0);
    total -= score.log_probability;
    tokens += score.tokens;
  }
  const auto n = static_cast<double>(losses.size());
  EXPECT_EQ(total, n * (n + 1) / 2);
  EXPECT_EQ(tokens, static_cast<int64_t>(losses.size()));
  EXPECT_EQ(scores[0].reference, 100.0 + static_cast<double>(data.first_sequence(1)));
  EXPECT_EQ(score_answers(batch, losses, {})[0].reference, 0);
}

TEST(Preference, PairsLieInOneRow) {
  const std::vector<DocumentPair> pairs = make_pairs();
  int64_t longest = 0;
  for (const DocumentPair& pair : pairs)
    longest = std::max(longest,
                       static_cast<int64_t>(pair.chosen.ids.size() + pair.rejected.ids.size()) - 2);
  for (const int64_t row_tokens : {longest, longest + 1, 2 * longest, 3 * longest + 5}) {
    const Dataset data = dataset_of(pairs, row_tokens, kVocab);
    EXPECT_EQ(data.last_sequence(data.rows() - 1), static_cast<int64_t>(2 * pairs.size()));
    EXPECT_LT(data.rows(), row_tokens > longest + 1 ? 20 : 31);
    EXPECT_NO_THROW(require_pairs(data));
  }
  EXPECT_THROW(dataset_of(pairs, longest - 1, kVocab), Error);
  // Nothing to learn in one of two answers.
  std::vector<DocumentPair> two = {pairs[0], pairs[1]};
  std::fill(two[1].rejected.learn.begin(), two[1].rejected.learn.end(), uint8_t{0});
  EXPECT_THROW(require_pairs(dataset_of(two, longest, kVocab)), Error);
}

TEST(Preference, OtherDataIsRefused) {
  std::vector<Document> documents(3, Document{{1, 2, 3}, {}});
  ThreadPool pool(1);
  const Dataset data = Dataset::pack(documents, kRowTokens, kVocab);
  EXPECT_THROW(Trainer(tiny_model(), options_for(kSimpo), data, pool), Error);
}

TEST(Preference, TheMarginGrows) {
  for (const char* loss : {kDpo, kSimpo}) {
    TrainOptions options = options_for(loss);
    options.steps = 40;
    const std::vector<StepResult> steps = train(1, options).steps;
    const PreferenceMetrics &first = steps.front().preference, &last = steps.back().preference;
    EXPECT_GT(first.pairs, 0);
    const auto margin = [](const PreferenceMetrics& m) {
      return m.chosen_reward - m.rejected_reward;
    };
    EXPECT_GT(margin(last), margin(first) + 0.5) << loss;
    EXPECT_GT(last.accuracy, 0.9) << loss;
    EXPECT_LT(steps.back().loss, steps.front().loss) << loss;
  }
  // Before the first step the model is its own reference.
  const StepResult first = train(1, options_for(kDpo)).steps.front();
  EXPECT_NEAR(first.loss, std::log(2.0), 1e-12);
  EXPECT_EQ(first.preference.chosen_reward, 0);
}

TEST(Preference, ThreadsAndInstructionSetsDoNotChangeABit) {
  for (const char* loss : {kDpo, kSimpo}) {
    const Outcome one = train(1, options_for(loss));
    expect_same(one, train(3, options_for(loss)));
    const kernels::Isa usual = kernels::active_isa();
    for (kernels::Isa isa : kernels::available_isas()) {
      kernels::set_active_isa(isa);
      expect_same(one, train(1, options_for(loss)));
    }
    kernels::set_active_isa(usual);
  }
}

TEST(Preference, ProcessesAndRecomputationDoNotChangeABit) {
  const Dataset data = pair_data();
  for (const char* loss : {kDpo, kSimpo}) {
    const Outcome alone = train(1, options_for(loss));
    for (const int count : {1, 2, 3})
      test::run_processes(count, [&](Processes& self) {
        ThreadPool pool(1);
        Trainer trainer(tiny_model(), options_for(loss), data, pool, self);
        trainer.set_recompute(count % 2 == 1);
        expect_same(alone, outcome_of(trainer));
      });
  }
}

TEST(Preference, ResumedEqualsUninterrupted) {
  const std::string path =
      (std::filesystem::path(testing::TempDir()) / "preference.safetensors").string();
  for (const char* loss : {kDpo, kSimpo}) {
    const TrainOptions options = options_for(loss);
    const Outcome whole = train(1, options);
    ThreadPool pool(1);
    const Dataset data = pair_data();
    Outcome outcome;
    Trainer first(tiny_model(), options, data, pool);
    const std::vector<double> reference = first.log_probabilities(data);
    for (int i = 0; i < 5; ++i) outcome.steps.push_back(first.step());
    first.save_checkpoint(path);
    Trainer second(tiny_model(), options, data, pool);
    second.load_checkpoint(path);
    if (options.loss == kDpo) {
      // The weights it would have to be computed from are gone.
      EXPECT_THROW(second.step(), Error);
      second.set_reference(data, reference);
    }
    while (!second.finished()) outcome.steps.push_back(second.step());
    outcome.state = second.state_digest();
    expect_same(whole, outcome);
  }
}

TEST(Preference, RowsPerBatchDoNotChangeTheEvaluation) {
  ThreadPool pool(1);
  const Dataset data = pair_data();
  TrainOptions options = options_for(kSimpo);
  Trainer two(tiny_model(), options, data, pool);
  options.rows = 5;
  Trainer five(tiny_model(), options, data, pool);
  EXPECT_EQ(two.evaluate(data, 100), five.evaluate(data, 100));
}

}  // namespace
}  // namespace avocado
