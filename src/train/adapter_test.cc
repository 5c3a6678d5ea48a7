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
#include "train/receipt.h"
#include "train/run.h"
#include "train/test_processes.h"
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
  test::write_stored_model(path, config, std::span(&type, 1));
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
    double average_loss = 0;  // with options.ema
  };
  // How it is trained; of these only `options` may change a bit.
  struct Manner {
    TrainOptions options = few_steps();
    int threads = 1;
    bool recompute = false;
    int64_t pause_after = -1;
    Processes& processes = single_process();
  };
  static Outcome train(const std::string& path, const AdapterOptions& adapter,
                       const Manner& manner) {
    ThreadPool pool(manner.threads);
    const Dataset data = counting();
    const auto make = [&] {
      auto trainer = std::make_unique<Trainer>(load(path, pool), adapter, manner.options, data,
                                               pool, manner.processes);
      trainer->set_recompute(manner.recompute);
      return trainer;
    };
    std::unique_ptr<Trainer> trainer = make();
    Outcome outcome;
    while (!trainer->finished()) {
      outcome.losses.push_back(trainer->step().loss);
      if (trainer->completed_steps() != manner.pause_after) continue;
      trainer->save_checkpoint(path + ".checkpoint");
      trainer = make();
      trainer->load_checkpoint(path + ".checkpoint");
    }
    outcome.state = trainer->state_digest();
    outcome.chain = trainer->chain();
    if (manner.options.ema > 0) outcome.average_loss = trainer->evaluate_average(data, 4);
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
      const Outcome outcome = train(model(type), options_of(kind), {});
      EXPECT_LT(outcome.losses.back(), 0.9 * outcome.losses.front())
          << kind << " on " << dtype_traits(type)->name;
    }
}

TEST_F(AdapterTraining, EveryArchitecture) {
  for (const Architecture* a : architectures()) {
    const Outcome outcome = train(model(DType::f32, a->name), options_of("lora"), {});
    EXPECT_LT(outcome.losses.back(), 0.9 * outcome.losses.front()) << a->name;
  }
}

TEST_F(AdapterTraining, ThreadsInstructionSetsRecomputationAndAPauseDoNotChangeABit) {
  const std::string path = model(DType::q4_k);
  const kernels::Isa usual = kernels::active_isa();
  for (const char* kind : {"lora", "dora"}) {
    std::vector<Outcome> outcomes;
    const TrainOptions options = few_steps(4);
    outcomes.push_back(train(path, options_of(kind), {.options = options, .threads = 3}));
    outcomes.push_back(train(path, options_of(kind), {.options = options, .pause_after = 2}));
    outcomes.push_back(train(path, options_of(kind), {.options = options, .recompute = true}));
    for (const kernels::Isa isa : kernels::available_isas()) {
      kernels::set_active_isa(isa);
      outcomes.push_back(train(path, options_of(kind), {.options = options}));
    }
    kernels::set_active_isa(usual);
    for (const Outcome& outcome : outcomes) {
      EXPECT_EQ(outcome.state, outcomes.front().state) << kind;
      EXPECT_EQ(outcome.chain, outcomes.front().chain) << kind;
    }
  }
}

// With all that changes the result: each with DoRA, whose norms follow every change of the weights.
TEST_F(AdapterTraining, ProcessesDoNotChangeABit) {
  const std::string path = model(DType::q8_0);
  for (const char* optimizer : {"adamw", "muon"}) {
    TrainOptions options = few_steps(4);
    options.micro_batches = 3;
    options.optimizer = optimizer;
    options.optimizer_state = "8bit";
    options.precision = "bf16";
    options.ema = 0.5;
    const Outcome expected = train(path, options_of("dora"), {.options = options});
    EXPECT_LT(expected.losses.back(), expected.losses.front());
    test::run_processes(3, [&](Processes& self) {
      const Outcome outcome =
          train(path, options_of("dora"),
                {.options = options, .recompute = self.rank() == 1, .processes = self});
      EXPECT_EQ(outcome.losses, expected.losses);
      EXPECT_EQ(outcome.state, expected.state);
      EXPECT_EQ(outcome.chain, expected.chain);
      EXPECT_EQ(outcome.average_loss, expected.average_loss);
    });
  }
}

TEST_F(AdapterTraining, PrecisionIsThatOfTheAdapterAlone) {
  const std::string path = model(DType::q8_0);
  TrainOptions options = few_steps(3);
  const Outcome f32 = train(path, options_of("lora"), {.options = options});
  options.precision = "bf16";
  const Outcome bf16 = train(path, options_of("lora"), {.options = options});
  EXPECT_EQ(bf16.losses[0], f32.losses[0]);  // B is zero, and the model is as it is
  EXPECT_NE(bf16.losses[2], f32.losses[2]);
  EXPECT_NEAR(bf16.losses[2], f32.losses[2], 1e-2);
}

TEST_F(AdapterTraining, TheHeadCanHaveOne) {
  const std::string path = model(DType::q4_k);
  for (const char* kind : {"lora", "dora"}) {
    AdapterOptions options = options_of(kind);
    options.targets = {"output"};
    const Outcome outcome = train(path, options, {});
    EXPECT_LT(outcome.losses.back(), 0.95 * outcome.losses.front()) << kind;
    EXPECT_EQ(train(path, options, {.threads = 2, .recompute = true}).chain, outcome.chain);
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
      save_adapter_gguf(file, model.config(), model.graph(), trainer.adapter(trainer.weights()));
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
  setup.options.ema = 0.5;
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
  const auto digest = [&](const char* name) {
    return load_adapter(folder + name, base.config(), base.graph()).digest(base.graph());
  };
  for (const char* name : {"/adapter", "/adapter.gguf"})
    EXPECT_EQ(digest(name), outcome.weights_digest);
  EXPECT_EQ(digest("/adapter-ema"), digest("/adapter-ema.gguf"));
  EXPECT_NE(digest("/adapter-ema"), outcome.weights_digest);

  const VerifyReport windows = verify_run(run, {.windows = 3, .length = 2, .seed = 1}, pool);
  EXPECT_TRUE(windows.passed) << windows.problem;
  EXPECT_GT(windows.replayed, 0);

  const Receipt receipt = describe_run(run, {"1.0", std::string(64, '0')}, pool);
  EXPECT_EQ(receipt.weights, outcome.weights_digest);
  EXPECT_EQ(parse_receipt(receipt_text(receipt), "receipt").defines, receipt.defines);
  for (const char* name : {"/adapter", "/adapter.gguf"})
    EXPECT_EQ(weights_digest(receipt, folder + name, pool), receipt.weights);
  for (const char* name : {"base.gguf", "adapter.gguf", "adapter-ema.gguf"})
    EXPECT_TRUE(std::any_of(receipt.files.begin(), receipt.files.end(),
                            [&](const ReceiptFile& file) { return file.name == name; }))
        << name;

  std::string bytes = read_text_file(folder + "/adapter.gguf");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(folder + "/adapter.gguf", bytes);
  const VerifyReport damaged = verify_run(run, {}, pool);
  EXPECT_FALSE(damaged.passed);
  EXPECT_NE(damaged.problem.find("lora_magnitude, element "), std::string::npos) << damaged.problem;

  // Another model under the adapter is another run.
  std::filesystem::remove(run.base_path());
  write_model(run.base_path(), DType::f32);
  EXPECT_AVOCADO_ERROR(run.make_trainer(pool), ErrorKind::input, "base.gguf");
}

}  // namespace
}  // namespace avocado
