// train_bench [--model 15m|110m] [--tokens N] [--rows N] [--threads N] [--bf16] [--recompute]
//             [--seconds S] [--profile] [--json]
//
// Whole training steps of models in published shapes on made-up tokens: tokens per second, the
// share of the measured peak of products in f32 or in bf16, and the peak of the memory beside its
// estimate. The fastest step counts; the peak is measured before and after. Operations are those of
// the products (three times those of a forward pass) and of attention over the visible keys (3.5
// times), whether or not layers run again.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/isa.h"
#include "kernels/peak/peak.h"
#include "process_memory.h"
#include "train/memory_estimate.h"
#include "train/trainer.h"

namespace {

using namespace avocado;

struct Arguments {
  std::string model = "15m";
  int64_t tokens = 512, rows = 4;
  int threads = 2;
  double seconds = 10;
  bool bf16 = false, recompute = false, profile = false, json = false;
};

// The shapes of the models that are trained on short stories in the field's tutorials: Llama with a
// tied head over 32,000 tokens.
ModelConfig shape(const std::string& name, int64_t context) {
  ModelConfig config;
  config.architecture = "llama";
  const bool small = name == "15m";
  config.vocab = 32000;
  config.width = small ? 288 : 768;
  config.layers = small ? 6 : 12;
  config.heads = config.kv_heads = small ? 6 : 12;
  config.head_dim = config.rope_dim = config.width / config.heads;
  config.ffn = small ? 768 : 2048;
  config.context = context;
  config.tied = true;
  return config;
}

Dataset made_up(const ModelConfig& config, int64_t rows) {
  std::vector<Document> documents(static_cast<size_t>(rows));
  for (size_t d = 0; d < documents.size(); ++d)
    for (int64_t i = 0; i <= config.context; ++i)
      documents[d].ids.push_back(
          static_cast<int32_t>((static_cast<int64_t>(d) * 7919 + i * i * 31 + i) % config.vocab));
  return Dataset::pack(documents, config.context, config.vocab);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void run(const Arguments& a) {
  ThreadPool pool(a.threads);
  const ModelConfig config = shape(a.model, a.tokens);
  const Dataset data = made_up(config, 4 * a.rows);
  TrainOptions options;
  options.steps = 1 << 20;
  options.rows = a.rows;
  options.precision = a.bf16 ? "bf16" : "f32";
  options.digest_every = options.steps;
  Trainer trainer(config, options, data, pool);
  trainer.set_recompute(a.recompute);
  const auto peak = a.bf16 ? kernels::peak_bf16 : kernels::peak_f32;
  double limit = peak(pool) * 1e9;
  trainer.step();
  if (a.profile) trainer.enable_profile();
  std::vector<double> times;
  for (const double begin = now(); times.size() < 3 || now() - begin < a.seconds;) {
    const double start = now();
    trainer.step();
    times.push_back(now() - start);
  }
  limit = std::max(limit, peak(pool) * 1e9);

  const graph::Graph& graph = trainer.graph();
  const double tokens = static_cast<double>(a.rows * a.tokens);
  const double keys = static_cast<double>(a.tokens + 1) / 2;
  const double flops =
      tokens * (3 * graph.flops_per_token() + 3.5 * graph.flops_per_token_and_key() * keys);
  const double best = *std::min_element(times.begin(), times.end());
  const MemoryEstimate estimate = estimate_memory({.config = config,
                                                   .options = options,
                                                   .recompute = a.recompute,
                                                   .train = data,
                                                   .threads = a.threads});
  if (a.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"parameters", graph.parameter_count()},
                                              {"isa", kernels::isa_name(kernels::active_isa())},
                                              {"seconds", best},
                                              {"tokens_per_s", tokens / best},
                                              {"gflops", flops / best * 1e-9},
                                              {"percent_of_peak",
                                               limit > 0 ? 100 * flops / best / limit : 0.0},
                                              {"peak_bytes", status_bytes("VmHWM")},
                                              {"estimated_bytes", estimate.total()}}
                           .dump());
  } else {
    fmt::print(
        "{} ({:.1f} M parameters), {} x {} tokens, {}{}, {} thread{}: {:.1f} tokens/s, {:.0f} "
        "GFLOP/s, {:.1f} % of the peak of {:.0f}; {:.0f} MB at most, estimated {:.0f}\n",
        a.model, static_cast<double>(graph.parameter_count()) * 1e-6, a.rows, a.tokens,
        options.precision, a.recompute ? " recomputed" : "", a.threads, a.threads == 1 ? "" : "s",
        tokens / best, flops / best * 1e-9, limit > 0 ? 100 * flops / best / limit : 0.0,
        limit * 1e-9, status_bytes("VmHWM") * 1e-6, static_cast<double>(estimate.total()) * 1e-6);
  }
  if (!a.profile) return;
  double total = 0;
  std::vector<std::pair<double, std::string>> parts;
  for (double time : times) total += time;
  double rest = total;
  for (const auto& [name, seconds] : trainer.profile()) {
    parts.emplace_back(seconds, name);
    rest -= seconds;
  }
  parts.emplace_back(rest, "all else");
  std::sort(parts.rbegin(), parts.rend());
  for (const auto& [seconds, name] : parts)
    fmt::print("{:6.2f} %  {}\n", 100 * seconds / total, name);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  CLI::App app("Whole training steps: speed and memory");
  app.add_option("--model", a.model)->check(CLI::IsMember({"15m", "110m"}));
  app.add_option("--tokens", a.tokens)->check(CLI::Range(2, 65536));
  app.add_option("--rows", a.rows)->check(CLI::Range(1, 1024));
  app.add_option("--threads", a.threads)->check(CLI::Range(1, 1024));
  app.add_option("--seconds", a.seconds);
  app.add_flag("--bf16", a.bf16);
  app.add_flag("--recompute", a.recompute);
  app.add_flag("--profile", a.profile);
  app.add_flag("--json", a.json);
  CLI11_PARSE(app, argc, argv);
  run(a);
  return 0;
}
