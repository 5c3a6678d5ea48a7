// avocado train: from a recipe to a model, in a folder that survives any interruption.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"
#include "train/prepare.h"
#include "train/run.h"

namespace avocado::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string recipe, out;
  int threads = 0;
  bool json = false;
};

std::atomic<bool> stop_requested{false};

void request_stop(int) { stop_requested = true; }

// The first interrupt ends the run after its step; a second one kills at once, which does no harm.
void catch_signals() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
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

struct Display {
  std::optional<Progress> progress;
  std::vector<double> losses;

  void say(const std::string& text) {
    if (progress)
      progress->say(text);
    else
      fmt::print(stderr, "{}\n", text);
  }
};

RunObserver observe(Display& display, int64_t total) {
  RunObserver observer;
  observer.on_memory = [&display](const MemoryEstimate& estimate) {
    display.say("memory " + describe_memory(estimate));
  };
  observer.on_start = [&display, total](int64_t completed) {
    if (completed > 0) display.say(fmt::format("resumed after step {}", completed));
    display.progress.emplace(total, completed);
  };
  observer.on_step = [&display](const StepResult& result, double) {
    display.losses.push_back(result.loss);
    display.progress->step(result.step, result.loss, result.inputs);
  };
  observer.on_eval = [&display](int64_t step, double loss) {
    display.say(fmt::format("step {}: evaluation loss {:.4f}", step, loss));
  };
  observer.on_warning = [&display](const std::string& text) { display.say("warning: " + text); };
  return observer;
}

void report(const Arguments& arguments, const Run& run, const RunOutcome& outcome,
            const Display& display) {
  if (arguments.json) {
    nlohmann::json object = {{"run", run.folder()},
                             {"definition", run.definition()},
                             {"steps", outcome.steps},
                             {"finished", outcome.finished},
                             {"chain", outcome.chain}};
    if (!display.losses.empty()) object["loss"] = display.losses.back();
    if (outcome.finished) {
      object["model"] = run.final_path();
      object["weights"] = outcome.weights_digest;
    }
    print_json(object);
  } else if (outcome.finished) {
    print_text(draw_curve(display.losses, std::min(terminal_width(), 100), 8));
    print_text(fmt::format("model    {}\nweights  {}\nchain    {}\n", run.final_path(),
                           outcome.weights_digest, outcome.chain));
  }
  finish_output();
}

void train(Arguments arguments) {
  catch_signals();
  find_run(arguments);
  ThreadPool pool(arguments.threads > 0 ? arguments.threads : default_threads());
  const Recipe recipe = load_recipe(arguments.recipe);
  if (!Run::exists(arguments.out))
    create_run(arguments.out, recipe, read_text_file(arguments.recipe), pool);
  const Run run = Run::open(arguments.out);
  require_same_recipe(run, recipe);

  Display display;
  const RunOutcome outcome =
      train_run(run, recipe.run, pool, observe(display, recipe.options.steps), &stop_requested);
  if (display.progress) display.progress->finish();
  report(arguments, run, outcome, display);
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
  verb->add_option("--threads", arguments->threads,
                   "Threads; never changes the result (default: one per core)")
      ->check(CLI::Range(1, 1024));
  verb->add_flag("--json", arguments->json, "Print one JSON object at the end");
  verb->callback([arguments] { train(*arguments); });
}

}  // namespace avocado::cli
