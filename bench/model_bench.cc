// model_bench [--json]: the demo's model in training, prefill and decode, in tokens per second,
// with 1 and 2 threads; and the share of a training step that is not spent in matrix products. A
// rate is the best of several repetitions.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "cli/demo_recipe.h"
#include "graph/executor.h"
#include "infer/engine.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/peak/peak.h"
#include "models/model.h"
#include "models/registry.h"

namespace {

using namespace avocado;

constexpr int kSteps = 40;
constexpr int kRepetitions = 7;

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double best(const std::function<void()>& work) {
  double least = 1e30;
  for (int i = 0; i < kRepetitions; ++i) least = std::min(least, seconds(work));
  return least;
}

// Seconds a step spends in matrix products, forward and backward, over the batches of the first
// steps.
double product_seconds(const cli::DemoRecipe& recipe, const Dataset& data, ThreadPool& pool) {
  const graph::Graph graph = build_graph(recipe.model);
  std::vector<std::vector<float>> weights, gradients;
  std::vector<float*> pointers;
  std::vector<graph::WeightRef<float>> refs;
  for (const graph::Weight& w : graph.weights) {
    weights.emplace_back(w.count());
    gradients.emplace_back(w.count());
  }
  for (auto& w : weights) pointers.push_back(w.data());
  graph::initialise(graph, 1, pointers);
  for (size_t i = 0; i < weights.size(); ++i)
    refs.push_back({.data = weights[i].data(), .grad = gradients[i].data()});
  graph::Executor<float> executor(graph, refs, pool);
  std::vector<float> losses;
  uint64_t position = 0;
  const auto step = [&] {
    RowBatch batch;
    for (int64_t r = 0; r < recipe.train.rows; ++r)
      batch.append(data, row_at(position++, data.rows(), recipe.train.seed));
    float* logits = executor.forward_train(batch.view());
    losses.resize(batch.wanted.size());
    kernels::cross_entropy(pool, static_cast<const float*>(logits), batch.targets.data(),
                           losses.data(), logits, static_cast<int64_t>(batch.wanted.size()),
                           graph.vocab(), 1.0);
    executor.backward(batch.view(), logits);
  };
  for (int i = 0; i < 3; ++i) step();
  executor.enable_profile();
  for (int i = 0; i < kSteps; ++i) step();
  double seconds = 0;
  for (const auto& [name, spent] : executor.profile())
    if (name.find("linear") != std::string::npos) seconds += spent;
  return seconds / kSteps;
}

nlohmann::ordered_json measure(int threads) {
  ThreadPool pool(threads);
  cli::DemoRecipe recipe = cli::full_demo();
  recipe.items = 4000;
  const std::unique_ptr<Tokenizer> tokenizer = cli::demo_tokenizer(recipe);
  const Dataset data =
      Dataset::pack(cli::demo_documents(recipe, *tokenizer), recipe.row_tokens, recipe.model.vocab);
  Trainer trainer(recipe.model, recipe.train, data, pool);
  for (int i = 0; i < 3; ++i) trainer.step();
  int64_t inputs = 0, learned = 0;
  const double step = seconds([&] {
                        for (int i = 0; i < kSteps; ++i) {
                          const StepResult result = trainer.step();
                          inputs += result.inputs;
                          learned += result.learned;
                        }
                      }) /
                      kSteps;
  const double products = product_seconds(recipe, data, pool);
  // The head runs for the learned tokens only.
  const double head = 2.0 * static_cast<double>(recipe.model.vocab * recipe.model.width);
  const double flops = 3.0 *
                       ((trainer.graph().flops_per_token() - head) * static_cast<double>(inputs) +
                        head * static_cast<double>(learned)) /
                       kSteps;

  const std::string path =
      (std::filesystem::temp_directory_path() / "avocado-model-bench.gguf").string();
  save_gguf(path, recipe.model, trainer.graph(), trainer.weights(), tokenizer.get(), "");
  const Model model = Model::load(path, pool);
  std::filesystem::remove(path);
  Engine engine(model, pool);
  const std::vector<int32_t> prompt(256, 300);
  const auto ignore = [](const LogitRows&) {};
  const double prefill = best([&] {
    ScopedSequence sequence(engine);
    const Engine::Input input{sequence, prompt, Want::last};
    engine.forward({&input, 1}, ignore);
  });
  const auto decode = [&](size_t batch) {
    constexpr int kTokens = 64;
    const int32_t id = 300;
    std::vector<ScopedSequence> sequences;
    for (size_t i = 0; i < batch; ++i) sequences.emplace_back(engine);
    std::vector<Engine::Input> inputs_of_step;
    for (const ScopedSequence& s : sequences) inputs_of_step.push_back({s, {&id, 1}, Want::last});
    return static_cast<double>(batch) / best([&] {
             for (int t = 0; t < kTokens; ++t) engine.forward(inputs_of_step, ignore);
             for (const ScopedSequence& s : sequences) engine.truncate(s, 0);
           }) *
           kTokens;
  };
  return {{"threads", threads},
          {"train_tokens_per_s", static_cast<double>(inputs) / kSteps / step},
          {"train_gflops", flops / step / 1e9},
          {"train_share_of_f32_peak", flops / step / 1e9 / kernels::peak_f32(pool)},
          {"train_share_outside_products", 1.0 - products / step},
          {"prefill_tokens_per_s", static_cast<double>(prompt.size()) / prefill},
          {"decode_tokens_per_s", decode(1)},
          {"decode_16_sequences_tokens_per_s", decode(16)}};
}

}  // namespace

int main(int argc, char** argv) {
  const bool json = argc > 1 && std::strcmp(argv[1], "--json") == 0;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (int threads : {1, 2}) {
    rows.push_back(measure(threads));
    if (json) continue;
    for (const auto& [name, value] : rows.back().items())
      std::printf("%-34s %12.3f\n", name.c_str(), value.get<double>());
    std::printf("\n");
  }
  if (json) std::printf("%s\n", rows.dump(1).c_str());
}
