#include "train/trainer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/philox.h"
#include "files/atomic_file.h"
#include "kernels/isa.h"
#include "models/registry.h"
#include "temp_folder.h"
#include "train/optimizers/optimizers.h"

namespace avocado {
namespace {

constexpr int64_t kVocab = 96, kRowTokens = 24;

ModelConfig tiny_model(const char* name = "llama") {
  ModelConfig config = architecture(name, "test").tiny();
  config.vocab = kVocab;
  config.context = kRowTokens;
  return config;
}

TrainOptions tiny_options() {
  TrainOptions options;
  options.steps = 12;
  options.rows = 2;
  options.micro_batches = 3;
  options.lr = 1e-2;
  options.warmup = 3;
  options.seed = 11;
  options.digest_every = 4;
  return options;
}

// Each optimizer, state and schedule at least once.
std::vector<TrainOptions> variants() {
  std::vector<TrainOptions> list;
  for (const char* optimizer : {"adamw", "muon", "lion", "sgd"}) {
    TrainOptions options = tiny_options();
    options.optimizer = optimizer;
    optimizer_kind(optimizer, "test").usual(options);
    if (options.optimizer == "lion") options.lr = 2e-3;
    if (options.optimizer == "sgd") options.lr = 0.3;
    options.min_lr = options.lr / 10;
    list.push_back(options);
    options.optimizer_state = "8bit";
    options.ema = 0.9;
    options.schedule = "wsd";
    options.decay_steps = 4;
    list.push_back(options);
  }
  return list;
}

// Counting sequences with random starts: easy to learn.
Dataset tiny_data() {
  const Random random(1, Purpose::test);
  std::vector<Document> documents;
  for (uint64_t d = 0; d < 40; ++d) {
    Document document;
    const auto first = static_cast<int32_t>(random.below(2 * d, kVocab));
    const auto count = static_cast<int32_t>(5 + random.below(2 * d + 1, 30));
    for (int32_t i = 0; i < count; ++i) {
      document.ids.push_back((first + i) % static_cast<int32_t>(kVocab));
      document.learn.push_back(i % 4 != 0);
    }
    documents.push_back(document);
  }
  return Dataset::pack(documents, kRowTokens, kVocab);
}

struct Outcome {
  std::vector<StepResult> steps;
  std::string state;
};

Outcome train(int threads, const TrainOptions& options = tiny_options(), const char* name = "llama",
              bool recompute = false) {
  ThreadPool pool(threads);
  const Dataset data = tiny_data();
  Trainer trainer(tiny_model(name), options, data, pool);
  trainer.set_recompute(recompute);
  Outcome outcome;
  while (!trainer.finished()) outcome.steps.push_back(trainer.step());
  outcome.state = trainer.state_digest();
  return outcome;
}

void expect_same(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.steps.size(), b.steps.size());
  for (size_t i = 0; i < a.steps.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(a.steps[i].loss), std::bit_cast<uint64_t>(b.steps[i].loss))
        << "step " << i + 1;
    EXPECT_EQ(a.steps[i].chain, b.steps[i].chain) << "step " << i + 1;
  }
  EXPECT_EQ(a.state, b.state);
}

TEST(Trainer, LossFallsForEveryArchitecture) {
  for (const Architecture* a : architectures()) {
    TrainOptions options = tiny_options();
    options.steps = 40;
    const Outcome outcome = train(1, options, a->name);
    EXPECT_NEAR(outcome.steps.front().loss, std::log(static_cast<double>(kVocab)), 1.0) << a->name;
    EXPECT_LT(outcome.steps.back().loss, 0.6 * outcome.steps.front().loss) << a->name;
  }
}

TEST(Trainer, EveryOptimizerLearnsAndEightBitsLearnAsMuch) {
  double exact = 0;
  for (TrainOptions options : variants()) {
    options.steps = 40;
    options.schedule = "cosine";
    const Outcome outcome = train(1, options);
    double end = 0;
    for (size_t step = 30; step < 40; ++step) end += outcome.steps[step].loss / 10;
    const bool coded = options.optimizer_state == "8bit";
    std::printf("%s, state in %s: loss %.6f\n", options.optimizer.c_str(),
                options.optimizer_state.c_str(), end);
    EXPECT_LT(end, 0.8 * outcome.steps.front().loss) << options.optimizer;
    EXPECT_TRUE(!coded || std::fabs(end - exact) < 0.05) << options.optimizer;
    exact = end;
  }
}

TEST(Trainer, ThreadsDoNotChangeABit) {
  for (const TrainOptions& options : variants()) {
    const Outcome one = train(1, options);
    expect_same(one, train(2, options));
    expect_same(one, train(3, options));
  }
}

TEST(Trainer, InstructionSetsDoNotChangeABit) {
  const kernels::Isa usual = kernels::active_isa();
  std::vector<TrainOptions> all = variants();
  all.push_back(tiny_options());
  all.back().precision = "bf16";
  for (const TrainOptions& options : all) {
    std::vector<Outcome> outcomes;
    for (kernels::Isa isa : kernels::available_isas()) {
      kernels::set_active_isa(isa);
      outcomes.push_back(train(1, options));
    }
    kernels::set_active_isa(usual);
    SCOPED_TRACE(options.optimizer + ", " + options.optimizer_state + ", " + options.precision);
    for (const Outcome& outcome : outcomes) expect_same(outcomes.front(), outcome);
  }
}

TEST(Trainer, Bf16IsNearF32AndFreeOfThreads) {
  const Outcome f32 = train(1);
  TrainOptions options = tiny_options();
  options.precision = "bf16";
  const Outcome bf16 = train(1, options);
  expect_same(bf16, train(3, options));
  for (size_t i = 0; i < f32.steps.size(); ++i) {
    EXPECT_NE(bf16.steps[i].loss, f32.steps[i].loss);
    EXPECT_NEAR(bf16.steps[i].loss, f32.steps[i].loss, 0.02 * f32.steps[i].loss) << i;
  }
}

TEST(Trainer, RecomputationDoesNotChangeABit) {
  for (const Architecture* a : architectures())
    for (const char* precision : {"f32", "bf16"}) {
      TrainOptions options = tiny_options();
      options.steps = 3;
      options.warmup = 1;
      options.precision = precision;
      SCOPED_TRACE(std::string(a->name) + " " + precision);
      expect_same(train(2, options, a->name), train(2, options, a->name, true));
    }
}

TEST(Trainer, SeedAndOptionsChangeTheResult) {
  const Outcome usual = train(1);
  TrainOptions options = tiny_options();
  options.seed += 1;
  EXPECT_NE(train(1, options).state, usual.state);
  options = tiny_options();
  options.weight_decay = 0;
  EXPECT_NE(train(1, options).state, usual.state);
}

TEST(Trainer, DigestsWhenDue) {
  const Outcome outcome = train(1);
  for (const StepResult& step : outcome.steps)
    EXPECT_EQ(!step.digest.empty(), step.step % 4 == 0) << step.step;
  EXPECT_EQ(outcome.steps.back().digest, outcome.state);
}

TEST(Trainer, ResumedEqualsUninterrupted) {
  const test::TempFolder folder;
  const std::string path = folder.file("resume.safetensors");
  for (const TrainOptions& options : variants()) {
    const Outcome whole = train(1, options);
    for (size_t cut : {1u, 5u, 11u}) {
      ThreadPool pool(1);
      const Dataset data = tiny_data();
      Outcome outcome;
      {
        Trainer first(tiny_model(), options, data, pool);
        for (size_t i = 0; i < cut; ++i) outcome.steps.push_back(first.step());
        first.save_checkpoint(path);
      }
      Trainer second(tiny_model(), options, data, pool);
      second.load_checkpoint(path);
      EXPECT_EQ(second.compare_checkpoint(path), "");
      while (!second.finished()) outcome.steps.push_back(second.step());
      outcome.state = second.state_digest();
      expect_same(whole, outcome);
      EXPECT_NE(second.compare_checkpoint(path), "");
    }
  }
}

TEST(Trainer, DamagedCheckpointsAreRefusedAndLeaveTheStateAlone) {
  const test::TempFolder folder;
  const std::string path = folder.file("damage.safetensors");
  ThreadPool pool(1);
  const Dataset data = tiny_data();
  Trainer trainer(tiny_model(), tiny_options(), data, pool);
  trainer.step();
  trainer.save_checkpoint(path);
  const std::string whole = read_text_file(path), state = trainer.state_digest();
  // The header's free spaces and the chain are the log's to check; everything else is the file's
  // own.
  const Random random(2, Purpose::test);
  for (uint64_t i = 0; i < 50; ++i) {
    std::string damaged = whole;
    const size_t at = whole.size() - 1 - random.below(i, whole.size() * 9 / 10);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(i + 1000, 8)));
    std::ofstream(path, std::ios::binary) << damaged;
    EXPECT_THROW(trainer.load_checkpoint(path), Error) << "byte " << at;
  }
  EXPECT_EQ(trainer.state_digest(), state);
  TrainOptions other = tiny_options();
  other.lr *= 2;
  std::ofstream(path, std::ios::binary) << whole;
  Trainer stranger(tiny_model(), other, data, pool);
  EXPECT_THROW(stranger.load_checkpoint(path), Error);
}

TEST(Trainer, DocumentsOfARowDoNotSeeEachOther) {
  std::vector<Document> documents;
  for (int32_t d = 0; d < 4; ++d) documents.push_back({{d, 7, 8, d + 20, 9}, {}});
  const Dataset together = Dataset::pack(documents, kRowTokens, kVocab);
  const Dataset apart = Dataset::pack(documents, 4, kVocab);
  ASSERT_EQ(together.rows(), 1);
  ASSERT_EQ(apart.rows(), 4);
  ThreadPool pool(1);
  Trainer trainer(tiny_model(), tiny_options(), together, pool);
  EXPECT_EQ(trainer.evaluate(together, 1), trainer.evaluate(apart, 4));
}

TEST(Trainer, StartsFromGivenWeights) {
  ThreadPool pool(1);
  const Dataset data = tiny_data();
  TrainOptions options = tiny_options();
  Trainer fresh(tiny_model(), options, data, pool);
  fresh.step();
  Trainer next(tiny_model(), options, data, fresh.weights(), pool);
  EXPECT_EQ(next.completed_steps(), 0);
  EXPECT_NE(next.definition_digest(), fresh.definition_digest());
  EXPECT_EQ(next.evaluate(data, 4), fresh.evaluate(data, 4));
}

TEST(Trainer, EvaluatesTheAverageAndLeavesTheStateAlone) {
  TrainOptions options = tiny_options();
  options.ema = 0.8;
  ThreadPool pool(1);
  const Dataset data = tiny_data();
  Trainer trainer(tiny_model(), options, data, pool);
  for (int i = 0; i < 6; ++i) trainer.step();
  const std::string state = trainer.state_digest();
  const double loss = trainer.evaluate_average(data, 5);
  EXPECT_EQ(trainer.state_digest(), state);
  EXPECT_NE(loss, trainer.evaluate(data, 5));
  Trainer started(tiny_model(), options, data, trainer.averaged_weights(), pool);
  EXPECT_EQ(loss, started.evaluate(data, 5));
  Trainer plain(tiny_model(), tiny_options(), data, pool);
  EXPECT_TRUE(plain.averaged_weights().empty());
  EXPECT_THROW(plain.evaluate_average(data, 5), Error);
}

TEST(Trainer, DivergenceIsAnError) {
  TrainOptions options = tiny_options();
  options.lr = 1000;
  options.clip = 0;
  options.weight_decay = 1000;
  options.steps = 200;
  EXPECT_THROW(train(1, options), Error);
}

}  // namespace
}  // namespace avocado
