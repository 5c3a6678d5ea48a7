// avocado bench: tokens per second of a model, beside what this machine could do.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "cli/inference.h"
#include "cli/lora.h"
#include "cli/threads.h"
#include "cli/verbs.h"
#include "kernels/isa.h"
#include "kernels/peak/peak.h"
#include "tensor/dtype.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string model;
  std::vector<int64_t> prompt = {512}, generate = {128}, depth = {0}, batch = {512}, parallel;
  std::vector<int> threads;
  CpuPin pin = CpuPin::automatic;
  int repetitions = 5;
  CacheArguments cache;
  RopeOptions rope;
  std::vector<std::string> lora;
  bool cold = false, json = false, csv = false, profile = false;
};

// What running a token costs, whatever the machine.
struct Cost {
  double bytes = 0, ops = 0, ops_per_key = 0, cache_bytes_per_key = 0;
  double parameters = 0, file_bytes = 0;
  DType type = DType::f32;  // of most of the weights
};

kernels::CacheTypes cache_of(const Model& model, const CacheArguments& cache) {
  EngineOptions options;
  cache.put_into(options);
  return cache_types(model, options);
}

Cost cost_of(const Model& model, kernels::CacheTypes cache) {
  Cost cost;
  const graph::Graph& graph = model.graph();
  const std::vector<graph::WeightRef<float>> weights = model.weights();
  std::map<DType, uint64_t> bytes;
  for (const graph::WeightRef<float>& weight : weights)
    cost.file_bytes += static_cast<double>(weight.stored->data.size());
  for (const graph::Node& node : graph.nodes) {
    if (node.op == graph::OpKind::linear) {
      const TensorView& stored = *weights[static_cast<size_t>(node.weights[0])].stored;
      bytes[stored.type] += stored.data.size();
      cost.bytes += static_cast<double>(stored.data.size());
    }
  }
  cost.cache_bytes_per_key =
      static_cast<double>(graph.layers * graph.page_bytes<float>(cache)) / kernels::kTile;
  cost.type = std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) {
                return a.second < b.second;
              })->first;
  cost.ops = graph.flops_per_token();
  cost.ops_per_key = graph.flops_per_token_and_key();
  cost.parameters = static_cast<double>(graph.parameter_count());
  return cost;
}

// Measured once per number of threads.
struct Limits {
  double ops = 0;  // of the kind of product that most of the weights need; 0: unknown
  double read = 0;
};

const char* kind_of_product(DType type) {
  if (type == DType::bf16) return "bf16";
  return dtype_traits(type)->block > 1 ? "int8" : "f32";
}

Limits measure_limits(ThreadPool& pool, DType type) {
  const std::string kind = kind_of_product(type);
  return {kind == "bf16"   ? kernels::peak_bf16(pool)
          : kind == "int8" ? kernels::peak_int8(pool)
                           : kernels::peak_f32(pool),
          kernels::peak_read(pool)};
}

struct Test {
  int64_t prompt, generate, depth, batch;
  int threads;
  int64_t parallel = 1;  // sequences that run together

  std::string name() const {
    if (prompt > 0 && generate > 0) return fmt::format("pp{} + tg{}", prompt, generate);
    std::string text = prompt > 0 ? fmt::format("pp{}", prompt) : fmt::format("tg{}", generate);
    if (depth > 0) text += fmt::format(" @ d{}", depth);
    return text;
  }
  int64_t tokens() const { return prompt + generate; }
};

struct Result {
  Test test;
  std::vector<double> seconds, prompt_seconds;
  Limits limits;
  ThreadPlacement placement;
  std::map<std::string, double> profile;  // share of the time of each kind of step; may be empty

  double mean_rate() const {
    double sum = 0;
    for (const double s : seconds) sum += static_cast<double>(test.tokens()) / s;
    return sum / static_cast<double>(seconds.size());
  }
  double deviation(double (*value)(double, double)) const {
    const auto n = static_cast<double>(seconds.size());
    if (n < 2) return 0;
    double mean = 0, squares = 0;
    for (const double s : seconds) mean += value(s, static_cast<double>(test.tokens())) / n;
    for (const double s : seconds)
      squares += std::pow(value(s, static_cast<double>(test.tokens())) - mean, 2);
    return std::sqrt(squares / (n - 1));
  }
  // Rates of the whole test: products, attention's included, and bytes of weights and cache read.
  double gops(const Cost& cost) const {
    const double keys = static_cast<double>(test.depth) + static_cast<double>(test.tokens()) / 2;
    return mean_rate() * (cost.ops + cost.ops_per_key * keys) * 1e-9;
  }
  double gigabytes(const Cost& cost) const {
    const double keys = static_cast<double>(test.depth) + static_cast<double>(test.tokens()) / 2;
    return mean_rate() * (cost.bytes + cost.cache_bytes_per_key * keys) * 1e-9;
  }
};

double rate_of(double seconds, double tokens) { return tokens / seconds; }
double time_of(double seconds, double) { return seconds; }

class Bench {
 public:
  explicit Bench(const Arguments& arguments)
      : arguments_(arguments),
        model_(load(arguments)),
        cost_(cost_of(model_, cache_of(model_, arguments.cache))) {}

  const Model& model() const { return model_; }
  const Cost& cost() const { return cost_; }
  kernels::CacheTypes cache() const { return cache_of(model_, arguments_.cache); }

  Result run(const Test& test) {
    const ThreadPlacement placement = place_threads(cpu_topology(), test.threads, arguments_.pin);
    std::optional<ThreadPool> pool(std::in_place, test.threads, placement);
    if (!limits_.contains(test.threads)) limits_[test.threads] = measure_limits(*pool, cost_.type);
    const int64_t needed = test.depth + std::max<int64_t>(test.tokens(), 1) + 1;
    if (needed > model_.config().context)
      fail_usage("{} needs {} positions; the model was made for up to {}", test.name(), needed,
                 model_.config().context);
    EngineOptions options;
    options.context = needed;
    options.chunk = test.batch;
    arguments_.cache.put_into(options);
    Engine engine(model_, *pool, options);
    Result result{test, {}, {}, limits_[test.threads], placement, {}};
    std::vector<ScopedSequence> sequences;
    for (int64_t i = 0; i < test.parallel; ++i) sequences.emplace_back(engine);
    // Not timed, so with all threads: another team takes the place of the first, and leaves it.
    if (test.depth > 0) {
      pool.emplace(std::max(test.threads, default_threads()));
      feed(engine, sequences, test.depth);
      pool.emplace(test.threads, placement);
    }
    // Run 0 warms up and does not count. Each ends by going back to the depth.
    for (int i = arguments_.cold ? 1 : 0; i <= arguments_.repetitions; ++i) {
      say(test, i);
      if (arguments_.profile) engine.enable_profile();
      const auto start = std::chrono::steady_clock::now();
      feed(engine, sequences, test.prompt);
      const std::chrono::duration<double> prompts = std::chrono::steady_clock::now() - start;
      for (int64_t t = 0; t < test.generate; ++t) feed(engine, sequences, 1);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      if (i > 0) {
        result.prompt_seconds.push_back(prompts.count());
        result.seconds.push_back(time.count());
      }
      for (const ScopedSequence& sequence : sequences) engine.truncate(sequence, test.depth);
    }
    if (terminal_) std::fputs("\r\x1b[K", stderr);
    // Of the last run.
    if (arguments_.profile)
      for (const auto& [step, spent] : engine.profile())
        result.profile[step] = spent / result.seconds.back();
    return result;
  }

 private:
  static Model load(const Arguments& arguments) {
    ThreadPool pool = make_pool({.pin = arguments.pin});
    return load_model(arguments.model, arguments.lora, arguments.rope, pool);
  }
  // Appends `count` random tokens to each sequence.
  void feed(Engine& engine, const std::vector<ScopedSequence>& sequences, int64_t count) const {
    if (count == 0) return;
    const Random random(0, Purpose::test);
    const auto vocab = static_cast<uint64_t>(engine.vocab());
    std::vector<std::vector<int32_t>> ids(sequences.size());
    std::vector<Engine::Input> inputs;
    for (size_t s = 0; s < sequences.size(); ++s) {
      const size_t position = engine.ids(sequences[s]).size();
      for (size_t i = 0; i < static_cast<size_t>(count); ++i)
        ids[s].push_back(static_cast<int32_t>(random.below((position + i) * 64 + s, vocab)));
      inputs.push_back({sequences[s], ids[s], Want::last});
    }
    engine.forward(inputs, [](const LogitRows&) {});
  }
  void say(const Test& test, int i) const {
    if (!terminal_) return;
    std::fprintf(
        stderr, "\r\x1b[K%s, %d threads: %s", test.name().c_str(), test.threads,
        i == 0 ? "warming up" : fmt::format("run {} of {}", i, arguments_.repetitions).c_str());
  }

  const Arguments& arguments_;
  Model model_;
  Cost cost_;
  std::map<int, Limits> limits_;
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
};

std::vector<Test> tests_of(const Arguments& a) {
  std::vector<Test> tests;
  const std::vector<int> threads =
      a.threads.empty() ? std::vector<int>{default_threads()} : a.threads;
  for (const int t : threads) {
    for (const int64_t b : a.batch) {
      for (const int64_t s : a.parallel)
        for (const int64_t p : a.prompt)
          for (const int64_t n : a.generate) tests.push_back({p, n, 0, b, t, s});
      if (!a.parallel.empty()) continue;
      for (const int64_t d : a.depth) {
        for (const int64_t p : a.prompt)
          if (p > 0) tests.push_back({p, 0, d, b, t});
        for (const int64_t n : a.generate)
          if (n > 0) tests.push_back({0, n, d, b, t});
      }
    }
  }
  std::erase_if(tests, [](const Test& test) { return test.tokens() == 0; });
  if (tests.empty()) fail_usage("nothing to measure: give -p or -n a number above 0");
  return tests;
}

// The steps that took most time, and what is left between them.
std::string profile_table(const std::map<std::string, double>& profile) {
  std::vector<std::pair<double, std::string>> rows;
  double left = 1;
  for (const auto& [step, share] : profile) {
    rows.emplace_back(share, step);
    left -= share;
  }
  rows.emplace_back(left, "(between the steps)");
  std::sort(rows.rbegin(), rows.rend());
  std::string text;
  for (const auto& [share, step] : rows) text += fmt::format("{:>9.1f} %  {}\n", 100 * share, step);
  return text;
}

// As llama-bench has it: hexadecimal digits, the last is CPUs 0 to 3; 0x0 when no thread is bound.
std::string cpu_mask(const ThreadPlacement& placement) {
  std::string digits = "0";
  for (const std::vector<int>& cpus : placement.cpus) {
    for (const int cpu : cpus) {
      const auto place = static_cast<size_t>(cpu / 4);
      if (digits.size() <= place) digits.insert(0, place + 1 - digits.size(), '0');
      char& digit = digits[digits.size() - 1 - place];
      const int value = (digit <= '9' ? digit - '0' : digit - 'a' + 10) | 1 << cpu % 4;
      digit = "0123456789abcdef"[value];
    }
  }
  return "0x" + digits;
}

// The names are those of llama-bench; what it does not have comes last.
nlohmann::ordered_json to_json(const Bench& bench, const std::string& path, const Result& r) {
  std::vector<double> rates;
  for (const double s : r.seconds) rates.push_back(static_cast<double>(r.test.tokens()) / s);
  const double mean = std::accumulate(r.seconds.begin(), r.seconds.end(), 0.0) /
                      static_cast<double>(r.seconds.size());
  const Cost& cost = bench.cost();
  nlohmann::ordered_json row = {
      {"model_filename", path},
      {"model_type",
       fmt::format("{} {}", bench.model().config().architecture, dtype_traits(cost.type)->name)},
      {"model_size", cost.file_bytes},
      {"model_n_params", cost.parameters},
      {"backends", "CPU"},
      {"n_batch", r.test.batch},
      {"n_threads", r.test.threads},
      {"cpu_mask", cpu_mask(r.placement)},
      {"type_k", kernels::cache_type_name(bench.cache().k)},
      {"type_v", kernels::cache_type_name(bench.cache().v)},
      {"cache_hadamard", bench.cache().hadamard},
      {"cache_bytes_per_token", cost.cache_bytes_per_key},
      {"n_prompt", r.test.prompt},
      {"n_gen", r.test.generate},
      {"n_depth", r.test.depth},
      {"avg_ns", mean * 1e9},
      {"stddev_ns", r.deviation(time_of) * 1e9},
      {"avg_ts", r.mean_rate()},
      {"stddev_ts", r.deviation(rate_of)},
      {"samples_ts", rates},
      {"instruction_set", kernels::isa_name(kernels::active_isa())},
      {"gops", r.gops(cost)},
      {"gops_limit", r.limits.ops},
      {"gops_limit_of", kind_of_product(cost.type)},
      {"gb_per_s", r.gigabytes(cost)},
      {"gb_per_s_limit", r.limits.read},
      {"cores", describe_cores(cpu_topology())},
      {"memory_nodes", cpu_topology().memory_nodes.size()},
      {"threads_run", r.placement.text}};
  if (!r.profile.empty()) row["profile"] = r.profile;
  return row;
}

// The same for sequences that run together, with llama-batched-bench's names.
nlohmann::ordered_json batched_json(const Bench& bench, const std::string& path, const Result& r) {
  const auto mean = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  const double pp = mean(r.prompt_seconds), tg = mean(r.seconds) - pp;
  const auto rate = [&](int64_t tokens, double seconds) {
    return tokens == 0 ? 0 : static_cast<double>(r.test.parallel * tokens) / seconds;
  };
  nlohmann::ordered_json row = to_json(bench, path, r);
  for (const char* single : {"n_prompt", "n_gen", "n_depth", "avg_ns", "stddev_ns", "avg_ts",
                             "stddev_ts", "samples_ts", "gops", "gb_per_s"})
    row.erase(single);
  row.update({{"pp", r.test.prompt},
              {"tg", r.test.generate},
              {"pl", r.test.parallel},
              {"n_kv", r.test.parallel * r.test.tokens()},
              {"t_pp", pp},
              {"speed_pp", rate(r.test.prompt, pp)},
              {"t_tg", tg},
              {"speed_tg", rate(r.test.generate, tg)},
              {"t", pp + tg},
              {"speed", rate(r.test.tokens(), pp + tg)}});
  return row;
}

std::string csv_cell(const nlohmann::ordered_json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  for (size_t i = text.find('"'); i != std::string::npos; i = text.find('"', i + 2))
    text.insert(i, 1, '"');
  return '"' + text + '"';
}

std::string share(double value, double limit) {
  return limit > 0 ? fmt::format("{:.1f} ({:.0f} %)", value, 100 * value / limit)
                   : fmt::format("{:.1f}", value);
}

std::string heading(const Bench& bench, const std::string& name, const Result& r) {
  const Cost& cost = bench.cost();
  return fmt::format(
      "{}: {:.2f} GiB, {:.2f} B parameters, mostly {}; {}\n{}; threads run {}\nlimits of this "
      "machine with {} thread{}: {:.1f} GB/s of reading, {:.0f} Gop/s ({})\n\n",
      name, cost.file_bytes / (1 << 30), cost.parameters * 1e-9, dtype_traits(cost.type)->name,
      kernels::isa_name(kernels::active_isa()), describe_cores(cpu_topology()), r.placement.text,
      r.test.threads, r.test.threads == 1 ? "" : "s", r.limits.read, r.limits.ops,
      kind_of_product(cost.type));
}

// Prompts are bound by products, single tokens by reading the weights.
std::string table_row(const Cost& cost, const Result& r, bool first) {
  constexpr const char* kRow = "| {:>7} | {:>16} | {:>20} | {:>15} | {:>15} |\n";
  std::string line =
      fmt::format(kRow, r.test.threads, r.test.name(),
                  fmt::format("{:.2f} ± {:.2f}", r.mean_rate(), r.deviation(rate_of)),
                  share(r.gops(cost), r.limits.ops),
                  r.test.prompt > 0 ? "" : share(r.gigabytes(cost), r.limits.read));
  if (!first) return line;
  return fmt::format(kRow, "threads", "test", "t/s", "Gop/s", "GB/s") +
         "| ------: | ---------------: | -------------------: | --------------: | "
         "--------------: |\n" +
         line;
}

// Tokens per second of all sequences together.
std::string batched_row(const nlohmann::ordered_json& row, bool first) {
  std::string line = fmt::format("| {:>7} | {:>9} | {:>16} | {:>16.2f} | {:>16.2f} |\n",
                                 row["n_threads"].get<int>(), row["pl"].get<int64_t>(),
                                 fmt::format("pp{} + tg{}", row["pp"].dump(), row["tg"].dump()),
                                 row["speed_pp"].get<double>(), row["speed_tg"].get<double>());
  if (!first) return line;
  return "| threads | sequences |             test |      prompts t/s |    generated t/s |\n"
         "| ------: | --------: | ---------------: | ---------------: | ---------------: |\n" +
         line;
}

void bench(const Arguments& arguments) {
  Bench bench(arguments);
  const std::string name = std::filesystem::path(arguments.model).filename().string();
  const bool together = !arguments.parallel.empty();
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  bool first = true;
  for (const Test& test : tests_of(arguments)) {
    const Result r = bench.run(test);
    const nlohmann::ordered_json row =
        together ? batched_json(bench, name, r) : to_json(bench, name, r);
    all.push_back(row);
    if (arguments.json) continue;
    if (arguments.csv) {
      std::string head, line;
      for (const auto& [key, value] : row.items()) {
        head += (head.empty() ? "" : ",") + key;
        line += (line.empty() ? "" : ",") + csv_cell(value);
      }
      print_text((first ? head + "\n" : "") + line + "\n");
    } else {
      if (first) print_text(heading(bench, name, r));
      print_text(together ? batched_row(row, first) : table_row(bench.cost(), r, first));
      if (arguments.profile) print_text(profile_table(r.profile));
    }
    finish_output();
    first = false;
  }
  if (arguments.json) print_text(all.dump(1) + "\n");
  finish_output();
}

}  // namespace

void add_bench(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* verb =
      app.add_subcommand("bench", "Measure a model's speed beside the machine's limits");
  verb->add_option("MODEL", a->model, "A GGUF file or a Hugging Face folder")->required();
  const auto list = [&](const char* flags, auto& values, const char* text) {
    return verb->add_option(flags, values, text)->delimiter(',')->expected(1, 64);
  };
  list("-p,--n-prompt", a->prompt, "Tokens of a prompt, as a list: 512,2048; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  list("-n,--n-gen", a->generate, "Tokens generated one by one; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  list("-d,--n-depth", a->depth, "Tokens that are in the context before")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  list("-t,--threads", a->threads, "Threads (default: one per performance core)")
      ->check(CLI::Range(1, 1024));
  add_cpu_pin(*verb, a->pin);
  list("-b,--batch-size", a->batch, "Tokens of a prompt that are run at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  list("--parallel", a->parallel,
       "Sequences that run together, as a list: 1,2,4; each has a prompt of its own")
      ->check(CLI::Range(1, 4096));
  verb->add_option("-r,--repetitions", a->repetitions, "Runs of each test, after one to warm up")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_flag("--profile", a->profile, "Print how the time is shared by the steps of the model");
  verb->add_flag("--no-warmup", a->cold, "Count the first run too");
  add_cache_arguments(*verb, a->cache);
  add_rope_arguments(*verb, a->rope);
  add_lora_arguments(*verb, a->lora);
  verb->add_flag("--json", a->json, "Print a JSON array, with the names of llama-bench");
  verb->add_flag("--csv", a->csv, "Print comma-separated values");
  verb->callback([a] { bench(*a); });
}

}  // namespace avocado::cli
