// avocado train: from a recipe to a model, in a folder that survives any interruption.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/data_progress.h"
#include "cli/dry_run.h"
#include "cli/inference.h"
#include "cli/run_recorder.h"
#include "cli/threads.h"
#include "cli/together.h"
#include "cli/training_view.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"
#include "train/prepare.h"
#include "train/run.h"

namespace avocado::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string recipe, out;
  ThreadArguments threads;
  bool dry_run = false;
  bool json = false;
};

std::atomic<bool> stop_requested{false};

void request_stop(int) { stop_requested = true; }

// The first signal ends the run after its step; a second one kills at once, which does no harm.
// SIGUSR1 is what mpirun hands on to its processes and what batch systems send before time is up.
void catch_signals() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
}

// A folder, or the recipe inside one, stands for the run in it.
void find_run(Arguments& arguments) {
  if (fs::is_directory(arguments.recipe)) {
    if (!arguments.out.empty())
      fail_usage("--out {}: a run is resumed in its own folder, {}", arguments.out,
                 arguments.recipe);
    arguments.out = arguments.recipe;
    arguments.recipe += "/run.toml";
    return;
  }
  if (!arguments.out.empty()) return;
  const fs::path recipe(arguments.recipe);
  const std::string folder = recipe.has_parent_path() ? recipe.parent_path().string() : ".";
  if (Run::exists(folder)) {
    arguments.out = folder;
  } else {
    if (recipe.extension().empty())
      fail_usage("{}: give the folder of the run with --out", arguments.recipe);
    arguments.out = fs::path(recipe).replace_extension("").string();
  }
}

// The session reports to the view and to the recorder; both begin when the log is locked.
struct Watchers {
  const Run& run;
  const RunOptions& options;
  ThreadPool& pool;
  TrainingView view;
  std::optional<RunRecorder> recorder;

  RunObserver observer() {
    return {.on_memory = [this](const MemoryEstimate& estimate) { view.memory(estimate); },
            .on_start =
                [this](int64_t completed) {
                  recorder.emplace(run, options, completed, pool.threads());
                  view.start(completed);
                },
            .on_step =
                [this](const StepResult& result, double tokens_per_s) {
                  view.step(result, recorder->step(result, tokens_per_s), tokens_per_s);
                },
            .on_eval =
                [this](int64_t step, double loss) {
                  recorder->eval(step, loss);
                  view.eval(step, loss);
                },
            .on_checkpoint = [this](int64_t step,
                                    const std::string& path) { view.checkpoint(step, path); },
            .on_sample =
                [this](int64_t, Trainer& trainer) {
                  for (const TextSample& sample : recorder->samples(trainer)) view.sample(sample);
                },
            .on_warning = [this](const std::string& text) { view.warning(text); }};
  }
};

// The folder is made and checked by the leader before the others open it.
Run prepare(const Arguments& arguments, const Recipe& recipe, ThreadPool& pool,
            Processes& processes) {
  if (!processes.leader()) {
    wait_for_leader(processes);
    return Run::open(arguments.out);
  }
  if (!Run::exists(arguments.out))
    create_run(arguments.out, recipe, read_text_file(arguments.recipe), pool,
               show_data_progress(stop_requested));
  Run run = Run::open(arguments.out);
  require_same_recipe(run, recipe);
  wait_for_leader(processes);
  return run;
}

void train(Arguments arguments, Processes& processes) {
  catch_signals();
  find_run(arguments);
  ThreadPool pool = make_pool(arguments.threads, threads_per_process(processes));
  const Recipe recipe = load_recipe(arguments.recipe);
  if (arguments.dry_run) {
    if (processes.leader())
      dry_run({arguments.recipe, arguments.out, arguments.json}, recipe, pool, stop_requested);
    return;
  }
  const Run run = prepare(arguments, recipe, pool, processes);

  if (!processes.leader()) {
    train_run(run, recipe.run, pool, {}, &stop_requested, processes);
    return;
  }
  Watchers watchers{run, recipe.run, pool, TrainingView(run, arguments.json, pool), {}};
  const RunOutcome outcome =
      train_run(run, recipe.run, pool, watchers.observer(), &stop_requested, processes);
  watchers.view.end(outcome);
  if (!outcome.finished)
    throw Error(
        ErrorKind::interrupted,
        fmt::format("stopped after step {} of {}; a checkpoint is written. To resume: avocado "
                    "train {}",
                    outcome.steps, recipe.options.steps, arguments.out));
}

}  // namespace

void add_train(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("train", "Train a model as a recipe says, or resume that");
  verb->add_option("RECIPE", arguments->recipe, "A run.toml, or the folder of a run to resume")
      ->required();
  verb->add_option("--out", arguments->out,
                   "Folder of the run (default: the recipe's name without its ending)");
  add_thread_arguments(*verb, arguments->threads);
  verb->add_flag("--dry-run", arguments->dry_run,
                 "Check recipe, data, memory and disk, measure two steps, tell how long it would "
                 "take, and leave nothing behind");
  verb->add_flag("--json", arguments->json,
                 "Print a JSON object per line: of every step and event, last of the result");
  verb->callback(
      [arguments] { run_together([&](Processes& processes) { train(*arguments, processes); }); });
}

}  // namespace avocado::cli
