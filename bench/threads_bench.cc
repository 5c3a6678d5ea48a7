// threads_bench MODEL [--prompt N] [--generate N] [--pairs N] [--threads N] [--json]: how much
// faster N threads are than one, with and without a CPU for each. A machine is never twice the
// same: the contenders take turns within one process, and what counts is the ratio of neighbours.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/philox.h"
#include "infer/engine.h"
#include "models/model.h"

namespace {

using namespace avocado;

struct Arguments {
  std::string model;
  int64_t prompt = 256, generate = 0;
  int pairs = 12, threads = default_threads();
  bool json = false;
};

struct Contender {
  std::string name;
  int threads;
  CpuPin pin;
  std::vector<double> seconds = {};
};

double measure(const Model& model, const Arguments& arguments, const Contender& contender) {
  ThreadPool pool(contender.threads,
                  place_threads(cpu_topology(), contender.threads, contender.pin));
  Engine engine(model, pool, {.context = arguments.prompt + arguments.generate + 2});
  const ScopedSequence sequence(engine);
  const Random random(0, Purpose::test);
  const auto feed = [&](int64_t count) {
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < count; ++i)
      ids.push_back(static_cast<int32_t>(
          random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(engine.vocab()))));
    const Engine::Input input{sequence, ids, Want::last};
    engine.forward({&input, 1}, [](const LogitRows&) {});
  };
  feed(1);
  const auto start = std::chrono::steady_clock::now();
  if (arguments.prompt > 0) feed(arguments.prompt);
  for (int64_t i = 0; i < arguments.generate; ++i) feed(1);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

void compare(const Arguments& arguments) {
  ThreadPool pool(arguments.threads);
  const Model model = Model::load(arguments.model, pool, default_packed_cache());
  std::vector<Contender> contenders = {
      {"1 thread", 1, CpuPin::off},
      {fmt::format("{} threads", arguments.threads), arguments.threads, CpuPin::off},
      {fmt::format("{} threads, pinned", arguments.threads), arguments.threads, CpuPin::on}};
  measure(model, arguments, contenders[1]);
  for (int pair = 0; pair < arguments.pairs; ++pair)
    for (size_t i = 0; i < contenders.size(); ++i) {
      // The order turns, so that none is always behind the same one.
      Contender& next = contenders[(i + static_cast<size_t>(pair)) % contenders.size()];
      next.seconds.push_back(measure(model, arguments, next));
    }

  const auto tokens = static_cast<double>(arguments.prompt + arguments.generate);
  const std::string test = (arguments.prompt > 0 ? fmt::format("pp{}", arguments.prompt) : "") +
                           (arguments.generate > 0 ? fmt::format("tg{}", arguments.generate) : "");
  const std::vector<double>& base = contenders.front().seconds;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Contender& contender : contenders) {
    std::vector<double> ratios;
    for (size_t i = 0; i < base.size(); ++i) ratios.push_back(base[i] / contender.seconds[i]);
    nlohmann::ordered_json row = {{"test", test},
                                  {"name", contender.name},
                                  {"tokens_per_s", tokens / median(contender.seconds)},
                                  {"of_sums", sum(base) / sum(contender.seconds)},
                                  {"median_of_ratios", median(ratios)},
                                  {"best_of_each", *std::min_element(base.begin(), base.end()) /
                                                       *std::min_element(contender.seconds.begin(),
                                                                         contender.seconds.end())}};
    if (!arguments.json)
      fmt::print(
          "{:22} {:8.1f} tokens/s; times one thread: {:.3f} of sums, {:.3f} median, {:.3f} best\n",
          contender.name, row["tokens_per_s"].get<double>(), row["of_sums"].get<double>(),
          row["median_of_ratios"].get<double>(), row["best_of_each"].get<double>());
    all.push_back(std::move(row));
  }
  if (arguments.json) fmt::print("{}\n", all.dump(1));
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("How much faster several threads are than one");
  app.add_option("MODEL", arguments.model)->required();
  app.add_option("--prompt", arguments.prompt);
  app.add_option("--generate", arguments.generate);
  app.add_option("--pairs", arguments.pairs);
  app.add_option("--threads", arguments.threads);
  app.add_flag("--json", arguments.json);
  CLI11_PARSE(app, argc, argv);
  compare(arguments);
}
