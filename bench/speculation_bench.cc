// Guessing ahead, shown to be exact and measured.
//
//   speculation_bench exact MODEL --draft MODEL   prompts x temperatures x every way to guess,
//   token
//                                                 for token beside plain decoding; exit status 1
//                                                 when any differs
//   speculation_bench speed MODEL                 tokens per second of each beside plain decoding,
//                                                 for three kinds of text (speculation_texts.h)
//
// An answer is the model's own, or with --replay the one that the text wants: each token is forced
// after it was chosen at the usual cost, so that a model of random weights shows what guesses taken
// from texts gain at real size. For draft models there is make_model SHAPE BF16 FILE MODEL.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "infer/generate.h"
#include "speculation_texts.h"

namespace {

using namespace avocado;
using Json = nlohmann::ordered_json;

struct Arguments {
  std::string model, tokenizer;
  std::vector<std::string> drafts, prose, code,
      kinds = {std::begin(bench::kKinds), std::end(bench::kKinds)};
  int threads = 2, prompts = 0;
  int64_t tokens = 64;
  size_t bytes = 0, most = 16;
  std::vector<float> temperatures;
  bool replay = false, json = false;
};

double now() {
  using std::chrono::steady_clock;
  return std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
}

std::string read_all(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail_input("{}: cannot be opened", path);
    text.append(std::istreambuf_iterator<char>(file), {});
  }
  return text;
}

std::unique_ptr<Tokenizer> read_tokenizer(const std::string& path) {
  if (!path.ends_with(".gguf")) return Tokenizer::from_huggingface(path);
  return Tokenizer::from_gguf(GgufFile::open(path));
}

// The model, its drafts, the texts; and every way to guess, "auto" being all together.
class Bench {
 public:
  explicit Bench(const Arguments& arguments)
      : arguments_(arguments),
        pool_(arguments.threads),
        model_(Model::load(arguments.model, pool_)),
        engine_(model_, pool_) {
    if (!arguments.tokenizer.empty()) own_ = read_tokenizer(arguments.tokenizer);
    if (own_ == nullptr && model_.tokenizer() == nullptr)
      fail_usage("{}: has no tokenizer; name one with --tokenizer", arguments.model);
    for (const std::string& path : arguments.drafts) {
      draft_models_.push_back(Model::load(path, pool_));
      draft_engines_.emplace_back(draft_models_.back(), pool_);
    }
    constexpr size_t kMade = 400'000;
    prose_ = arguments.prose.empty() ? bench::made_prose(1, kMade) : read_all(arguments.prose);
    code_ = arguments.code.empty() ? bench::made_code(1, kMade) : read_all(arguments.code);
    methods_ = {"suffix"};
    for (size_t i = 0; i < draft_engines_.size(); ++i)
      methods_.push_back(draft_engines_.size() == 1 ? "model" : fmt::format("model {}", i + 1));
    methods_.emplace_back("auto");
  }

  const std::vector<std::string>& methods() const { return methods_; }
  Engine& engine() { return engine_; }

  Speculation speculation(const std::string& method, const SamplerParameters& sampling,
                          bool always) {
    Speculation speculation({.most = arguments_.most, .always = always});
    for (const std::string& name : methods_) {
      if (name == "auto" || (method != name && method != "auto")) continue;
      if (name == "suffix") {
        speculation.add(name, suffix_drafter());
      } else {
        const size_t i = name == "model" ? 0 : std::stoul(name.substr(6)) - 1;
        speculation.add(name, model_drafter(draft_engines_[i], tokenizer(), sampling));
      }
    }
    return speculation;
  }

  struct Task {
    std::vector<int32_t> prompt, answer;
  };
  // The prompt is cut at its beginning where it would not leave room in the context.
  Task task(const std::string& kind, uint64_t seed) {
    const std::string& source = kind == bench::kKinds[1] ? code_ : prose_;
    const bench::Sample sample = bench::make_sample(kind, source, arguments_.bytes, seed);
    Task task{tokenizer().encode(sample.prompt, {.bos = true}), tokenizer().encode(sample.answer)};
    const int64_t room = engine_.context() - arguments_.tokens - 1;
    if (room < 1)
      fail_usage("--tokens {}: the context holds {}", arguments_.tokens, engine_.context());
    const auto excess = static_cast<int64_t>(task.prompt.size()) - room;
    if (excess > 0) task.prompt.erase(task.prompt.begin(), task.prompt.begin() + excess);
    for (const int32_t id : task.answer)
      if (id >= engine_.vocab()) fail_usage("token {} is not in the model's vocabulary", id);
    return task;
  }

 private:
  const Tokenizer& tokenizer() const { return own_ ? *own_ : *model_.tokenizer(); }

  const Arguments& arguments_;
  ThreadPool pool_;
  Model model_;
  Engine engine_;
  std::unique_ptr<Tokenizer> own_;
  std::deque<Model> draft_models_;
  std::deque<Engine> draft_engines_;
  std::string prose_, code_;
  std::vector<std::string> methods_;
};

struct Tally {
  int64_t answers = 0, tokens = 0, drafted = 0, right = 0, different = 0;
  double seconds = 0;

  void add(const Completion& completion) {
    ++answers;
    tokens += static_cast<int64_t>(completion.ids.size());
    drafted += completion.drafted;
    right += completion.drafted_right;
  }
  double rate() const { return static_cast<double>(tokens) / seconds; }
  Json json() const {
    return {{"answers", answers}, {"tokens", tokens}, {"guessed", drafted}, {"right", right}};
  }
};

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

int exact(const Arguments& arguments) {
  Bench bench(arguments);
  std::map<std::string, Tally> tallies;
  bool same = true;
  Json rows = Json::array();
  for (const float temperature : arguments.temperatures) {
    tallies.clear();
    for (int i = 0; i < arguments.prompts; ++i) {
      const std::string kind = bench::kKinds[static_cast<size_t>(i) % std::size(bench::kKinds)];
      const Bench::Task task = bench.task(kind, static_cast<uint64_t>(i));
      GenerateOptions options;
      options.max_tokens = arguments.tokens;
      options.sampling.temperature = temperature;
      options.sampling.seed = static_cast<uint64_t>(i);
      options.stop_at_ends = i % 2 == 0;
      if (i % 5 == 1) options.banned_strings = {"the", "he ", "on"};
      if (i % 5 == 2)
        options.sampling.repeat_penalty = 1.1f, options.sampling.dry_multiplier = 0.8f;
      if (i % 5 == 3) options.sampling.mirostat = 2;
      const ScopedSequence sequence(bench.engine());
      const Completion plain = generate(bench.engine(), sequence, task.prompt, options);
      tallies["plain"].add(plain);
      for (const std::string& method : bench.methods()) {
        Speculation speculation = bench.speculation(method, options.sampling, true);
        GenerateOptions guessing = options;
        guessing.speculation = &speculation;
        const Completion guessed = generate(bench.engine(), sequence, task.prompt, guessing);
        Tally& tally = tallies[method];
        tally.add(guessed);
        if (guessed.ids == plain.ids && guessed.stop == plain.stop && guessed.text == plain.text)
          continue;
        ++tally.different;
        fmt::print(stderr, "prompt {}, temperature {}, {}: another answer\n", i, temperature,
                   method);
      }
    }
    for (const std::string& method : bench.methods()) {
      const Tally& tally = tallies[method];
      same = same && tally.different == 0 && tally.right > 0;
      Json row = {{"temperature", temperature}, {"method", method}};
      row.update(tally.json());
      row["different"] = tally.different;
      rows.push_back(row);
      if (arguments.json) continue;
      fmt::print(
          "temperature {:<4} {:<8} {:>6} answers, {:>7} tokens, {:>7} guessed, {:>5.1f} % "
          "right: {} differ\n",
          temperature, method, tally.answers, tally.tokens, tally.drafted,
          100 * share(tally.right, tally.drafted), tally.different);
    }
  }
  if (arguments.json) fmt::print("{}\n", rows.dump(1));
  return same ? 0 : 1;
}

int speed(const Arguments& arguments) {
  Bench bench(arguments);
  const char* whose = arguments.replay ? "replayed" : "own";
  Json rows = Json::array();
  bool same = true;
  if (!arguments.json)
    fmt::print("{:<14} {:<9} {:>5}  {:<8} {:>9} {:>8} {:>9} {:>12}\n", "text", "answer", "temp",
               "method", "tokens/s", "speed-up", "right", "tokens/step");
  for (const std::string& kind : arguments.kinds) {
    for (const float temperature : arguments.temperatures) {
      GenerateOptions options;
      options.max_tokens = arguments.tokens;
      options.sampling.temperature = temperature;
      options.stop_at_ends = false;
      std::map<std::string, Tally> tallies;
      std::map<std::string, Speculation> speculations;
      for (const std::string& method : bench.methods())
        speculations.emplace(method, bench.speculation(method, options.sampling, false));
      for (int i = 0; i < arguments.prompts; ++i) {
        const Bench::Task task = bench.task(kind, static_cast<uint64_t>(i));
        if (arguments.replay) {
          options.replayed = task.answer;
          options.max_tokens = std::min(arguments.tokens, static_cast<int64_t>(task.answer.size()));
        }
        const ScopedSequence sequence(bench.engine());  // it reads the prompt once
        const auto timed = [&](const std::string& method, Speculation* speculation) {
          GenerateOptions guessing = options;
          guessing.speculation = speculation;
          double start = 0;
          GenerateHooks hooks;
          hooks.prompt_done = [&] { start = now(); };
          const Completion completion =
              generate(bench.engine(), sequence, task.prompt, guessing, hooks);
          tallies[method].seconds += now() - start;
          tallies[method].add(completion);
          return completion.ids;
        };
        const std::vector<int32_t> plain = timed("plain", nullptr);
        for (const std::string& method : bench.methods())
          same = timed(method, &speculations.at(method)) == plain && same;
      }
      std::vector<std::string> names = bench.methods();
      names.insert(names.begin(), "plain");
      for (const std::string& method : names) {
        const Tally& tally = tallies[method];
        const double gain = tally.rate() / tallies["plain"].rate();
        const double per_step = share(tally.tokens, tally.tokens - tally.right);
        Json row = {
            {"text", kind}, {"answer", whose}, {"temperature", temperature}, {"method", method}};
        row.update(tally.json());
        row.update({{"tokens_per_second", tally.rate()},
                    {"speed_up", gain},
                    {"tokens_per_step", per_step}});
        rows.push_back(row);
        if (arguments.json) continue;
        fmt::print("{:<14} {:<9} {:>5}  {:<8} {:>9.1f} {:>7.2f}x {:>7.1f} % {:>12.2f}\n", kind,
                   whose, temperature, method, tally.rate(), gain,
                   100 * share(tally.right, tally.drafted), per_step);
      }
    }
  }
  if (arguments.json) fmt::print("{}\n", rows.dump(1));
  return same ? 0 : 1;
}

void add_arguments(CLI::App& verb, Arguments& a) {
  verb.add_option("MODEL", a.model, "The model that answers")->required();
  verb.add_option("--draft", a.drafts, "A smaller model of the same vocabulary; several are tried");
  verb.add_option("--tokenizer", a.tokenizer, "Another model's, or a tokenizer.json");
  verb.add_option("--prose", a.prose, "Files of prose (default: made)");
  verb.add_option("--code", a.code, "Files of code (default: made)");
  verb.add_option("--prompts", a.prompts, "How many, of each kind")->capture_default_str();
  verb.add_option("--tokens", a.tokens, "Most tokens of an answer")->capture_default_str();
  verb.add_option("--bytes", a.bytes, "Text in a prompt")->capture_default_str();
  verb.add_option("--temp", a.temperatures, "Temperatures")->capture_default_str();
  verb.add_option("--most", a.most, "Most tokens guessed at once")->capture_default_str();
  verb.add_option("--threads", a.threads, "Threads")->capture_default_str();
  verb.add_flag("--json", a.json, "Print JSON");
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Guessing ahead, shown to be exact and measured");
  app.require_subcommand(1);
  Arguments of_exact, of_speed;
  of_exact.prompts = 500, of_exact.bytes = 400, of_exact.temperatures = {0, 0.7f, 1.5f};
  of_speed.prompts = 3, of_speed.bytes = 1500, of_speed.temperatures = {0.7f};
  CLI::App* exact_verb = app.add_subcommand("exact", "Compare every token with plain decoding");
  add_arguments(*exact_verb, of_exact);
  CLI::App* speed_verb = app.add_subcommand("speed", "Measure");
  add_arguments(*speed_verb, of_speed);
  speed_verb->add_option("--kind", of_speed.kinds, "continuation, code editing, summarising");
  speed_verb->add_flag("--replay", of_speed.replay, "The answer is the one that the text wants");
  CLI11_PARSE(app, argc, argv);
  return exact_verb->parsed() ? exact(of_exact) : speed(of_speed);
} catch (const avocado::Error& error) {
  std::fprintf(stderr, "speculation_bench: %s\n", error.what());
  return 2;
}
