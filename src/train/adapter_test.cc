// Training an adapter: what learns, what stays, and that the bits are those of everything else.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/philox.h"
#include "base/sha256.h"
#include "expect_error.h"
#include "files/atomic_file.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/isa.h"
#include "models/registry.h"
#include "temp_folder.h"
#include "tiny_model_file.h"
#include "train/run.h"
#include "train/verify.h"

namespace avocado {
namespace {

constexpr int64_t kVocab = 64, kRowTokens = 24;

// Counting sequences with random starts.
Dataset counting() {
  const Random random(1, Purpose::test);
  std::vector<Document> documents;
  for (uint64_t d = 0; d < 24; ++d) {
    Document document;
    const auto first = static_cast<int32_t>(random.below(d, kVocab));
    for (int32_t i = 0; i < 20; ++i)
      document.ids.push_back((first + 3 * i) % static_cast<int32_t>(kVocab));
    documents.push_back(document);
  }
  return Dataset::pack(documents, kRowTokens, kVocab);
}

TrainOptions few_steps(int64_t steps = 10) {
  TrainOptions options;
  options.steps = steps;
  options.rows = 2;
  options.micro_batches = 2;
  options.lr = 2e-2;
  options.seed = 11;
  options.digest_every = 2;
  return options;
}

// A model file whose matrices are all of one type.
void write_model(const std::string& path, DType type, const char* architecture = "llama") {
  ModelConfig config = avocado::architecture(architecture, path).tiny();
  config.vocab = kVocab;
  config.context = kRowTokens;
  config.width = 256;
  config.ffn = 256;
  config.layers = 2;
  config.head_dim = config.rope_dim = 64;
  config.rope_divisors.clear();
  config.rope_scaling = RopeScaling::none;
  config.tied = false;
  const graph::Graph graph = build_graph(config);
  std::vector<std::vector<float>> values;
  std::vector<float*> pointers;
  for (const graph::Weight& w : graph.weights) values.emplace_back(w.count());
  for (auto& v : values) pointers.push_back(v.data());
  graph::initialise(graph, 5, pointers);
  std::vector<std::vector<std::byte>> bytes;
  std::vector<StoredWeight> stored;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool matrix = graph.weights[i].matrix;
    if (matrix && type != DType::f32) {
      bytes.push_back(
          test::random_blocks(type, graph.weights[i].count(), static_cast<uint32_t>(i)));
    } else {
      const auto span = std::as_bytes(std::span(values[i]));
      bytes.emplace_back(span.begin(), span.end());
    }
    stored.push_back({matrix ? type : DType::f32, bytes.back()});
  }
  save_gguf(path, config, graph, stored, nullptr, "");
}

class AdapterTraining : public testing::Test {
 protected:
  std::string model(DType type, const char* architecture = "llama") {
    const std::string path = folder_.file("model.gguf");
    write_model(path, type, architecture);
    return path;
  }
  static std::shared_ptr<const Model> load(const std::string& path, ThreadPool& pool) {
    return std::make_shared<const Model>(Model::load(path, pool, {}));
  }

  struct Outcome {
    std::vector<double> losses;
    std::string state, chain;
    Adapter adapter;
  };
  static Outcome train(const std::string& path, const AdapterOptions& adapter, int threads = 1,
                       int64_t pause_after = -1, int64_t steps = 10) {
    ThreadPool pool(threads);
    const Dataset data = counting();
    const auto make = [&] {
      return std::make_unique<Trainer>(load(path, pool), adapter, few_steps(steps), data, pool);
    };
    std::unique_ptr<Trainer> trainer = make();
    Outcome outcome;
    while (!trainer->finished()) {
      outcome.losses.push_back(trainer->step().loss);
      if (trainer->completed_steps() != pause_after) continue;
      trainer->save_checkpoint(path + ".checkpoint");
      trainer = make();
      trainer->load_checkpoint(path + ".checkpoint");
    }
    outcome.state = trainer->state_digest();
    outcome.chain = trainer->chain();
    outcome.adapter = trainer->adapter();
    return outcome;
  }

  test::TempFolder folder_;
};

AdapterOptions options_of(const char* kind) {
  AdapterOptions options;
  options.kind = kind;
  options.rank = 4;
  options.alpha = 8;
  return options;
}

TEST_F(AdapterTraining, LossFallsOnEveryKindOfBase) {
  for (const DType type : {DType::f32, DType::q8_0, DType::q4_k})
    for (const char* kind : {"lora", "rslora", "dora"}) {
      const Outcome outcome = train(model(type), options_of(kind));
      EXPECT_LT(outcome.losses.back(), 0.9 * outcome.losses.front())
          << kind << " on " << dtype_traits(type)->name;
    }
}

TEST_F(AdapterTraining, EveryArchitecture) {
  for (const Architecture* a : architectures()) {
    const Outcome outcome = train(model(DType::f32, a->name), options_of("lora"));
    EXPECT_LT(outcome.losses.back(), 0.9 * outcome.losses.front()) << a->name;
  }
}

TEST_F(AdapterTraining, ThreadsInstructionSetsAndAPauseDoNotChangeABit) {
  const std::string path = model(DType::q4_k);
  const kernels::Isa usual = kernels::active_isa();
  for (const char* kind : {"lora", "dora"}) {
    std::vector<Outcome> outcomes;
    outcomes.push_back(train(path, options_of(kind), 3, -1, 4));
    outcomes.push_back(train(path, options_of(kind), 1, 2, 4));
    for (const kernels::Isa isa : kernels::available_isas()) {
      kernels::set_active_isa(isa);
      outcomes.push_back(train(path, options_of(kind), 1, -1, 4));
    }
    kernels::set_active_isa(usual);
    for (const Outcome& outcome : outcomes) {
      EXPECT_EQ(outcome.state, outcomes.front().state) << kind;
      EXPECT_EQ(outcome.chain, outcomes.front().chain) << kind;
    }
  }
}

// What the trainer sees is what the model with the adapter gives: loss for loss, bit for bit, in
// blocks too.
TEST_F(AdapterTraining, TheModelWithTheAdapterGivesTheLossOfTraining) {
  for (const DType type : {DType::f32, DType::q4_k})
    for (const char* kind : {"lora", "dora"}) {
      const std::string path = model(type);
      ThreadPool pool(1);
      const Dataset data = counting();
      Trainer trainer(load(path, pool), options_of(kind), few_steps(), data, pool);
      while (!trainer.finished()) trainer.step();
      const double trained = trainer.evaluate(data, 1);

      Model model = Model::load(path, pool, {});
      const std::string file = folder_.file("adapter.gguf");
      save_adapter_gguf(file, model.config(), model.graph(), trainer.adapter());
      model.attach({{load_adapter(file, model.config(), model.graph()), 1}}, pool);
      graph::Executor<float> executor(model.graph(), model.weights(), pool);
      RowBatch batch;
      batch.append(data, 0);
      std::vector<std::vector<std::byte>> pages;
      std::vector<std::byte*> table;
      const auto bytes = static_cast<size_t>(model.graph().page_bytes<float>({}));
      for (int layer = 0; layer < model.graph().layers; ++layer) pages.emplace_back(bytes);
      for (auto& page : pages) table.push_back(page.data());
      ASSERT_EQ(batch.sequences.size(), 1u);
      batch.sequences[0].pages = table.data();
      batch.sequences[0].pages_per_layer = 1;
      const float* logits = executor.forward(batch.view());
      std::vector<float> losses(batch.wanted.size());
      kernels::cross_entropy<float>(pool, logits, batch.targets.data(), losses.data(), nullptr,
                                    static_cast<int64_t>(losses.size()), kVocab, 1.0);
      double sum = 0;
      for (const float loss : losses) sum += static_cast<double>(loss);
      EXPECT_EQ(sum / static_cast<double>(losses.size()), trained)
          << kind << " on " << dtype_traits(type)->name;
    }
}

TEST_F(AdapterTraining, OnlyTheAdapterHasState) {
  ThreadPool pool(1);
  const Dataset data = counting();
  AdapterOptions options = options_of("lora");
  options.targets = {"q_proj", "blk.1.ffn_*"};
  const Trainer trainer(load(model(DType::f32), pool), options, few_steps(), data, pool);
  std::vector<std::string> names;
  for (const graph::Weight& w : trainer.graph().weights) names.push_back(w.name);
  EXPECT_EQ(names.size(), 2 * (2 + 3));
  EXPECT_EQ(names.front(), "blk.0.attn_q.weight.lora_a");
  EXPECT_TRUE(std::find(names.begin(), names.end(), "blk.1.ffn_up.weight.lora_b") != names.end());
  const std::string file = folder_.file("checkpoint");
  trainer.save_checkpoint(file);
  EXPECT_LT(std::filesystem::file_size(file), 200u << 10);
}

TEST_F(AdapterTraining, UnknownTargetsAreNamedBesideWhatThereIs) {
  ThreadPool pool(1);
  const Dataset data = counting();
  AdapterOptions options = options_of("lora");
  options.targets = {"attn_q", "atn_k"};
  const auto base = load(model(DType::f32), pool);
  EXPECT_AVOCADO_ERROR(Trainer(base, options, few_steps(), data, pool), ErrorKind::input,
                       "no matrix of this model is called \"atn_k\"; there are attn_k");
}

TEST_F(AdapterTraining, ARunLeavesAnAdapterAndVerifies) {
  ThreadPool pool(1);
  const Dataset data = counting();
  const std::string folder = folder_.file("run");
  RunSetup setup;
  setup.base_path = model(DType::q8_0);
  setup.base = load(setup.base_path, pool);
  setup.config = setup.base->config();
  setup.adapter = options_of("dora");
  setup.options = few_steps();
  setup.train = &data;
  avocado::Run::create(folder, setup, pool);
  std::filesystem::remove(setup.base_path);  // the run has its own
  const avocado::Run run = avocado::Run::open(folder);
  const RunOutcome outcome = train_run(run, {}, pool, {});
  EXPECT_TRUE(outcome.finished);
  const VerifyReport report = verify_run(run, {}, pool);
  EXPECT_TRUE(report.passed) << report.problem;
  EXPECT_EQ(report.weights_digest, outcome.weights_digest);
  const Model base = Model::load(run.base_path(), pool, {});
  for (const char* name : {"/adapter", "/adapter.gguf"})
    EXPECT_EQ(load_adapter(folder + name, base.config(), base.graph()).digest(base.graph()),
              outcome.weights_digest);

  // Another model under the adapter is another run.
  std::filesystem::remove(run.base_path());
  write_model(run.base_path(), DType::f32);
  EXPECT_AVOCADO_ERROR(run.make_trainer(pool), ErrorKind::input, "base.gguf");
}

}  // namespace
}  // namespace avocado
