#include "cli/dry_run.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "cli/data_progress.h"
#include "cli/inference.h"
#include "cli/training_samples.h"
#include "cli/units.h"
#include "files/atomic_file.h"
#include "kernels/peak/peak.h"
#include "models/registry.h"
#include "train/prepare.h"

namespace avocado::cli {
namespace {

namespace fs = std::filesystem;

// A folder beside the run's own, on the same disk, that goes with the object.
class Scratch {
 public:
  explicit Scratch(const std::string& out) {
    fs::path parent = fs::absolute(out).parent_path();
    while (!fs::exists(parent)) parent = parent.parent_path();
    path_ = (parent / (fs::path(out).filename().string() + ".dry-run-XXXXXX")).string();
    if (!::mkdtemp(path_.data()))
      fail_resource("{}: nothing can be written there: {}", parent.string(), std::strerror(errno));
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

uint64_t folder_bytes(const std::string& folder) {
  uint64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

// Before the data is read, which may take long: parameters and gradient of a model whose numbers
// stand in the recipe. A vocabulary that is not known yet counts as the least one.
void require_least_memory(const Recipe& recipe) {
  if (!recipe.base.empty()) return;
  ModelConfig config = recipe.model;
  config.vocab = std::max<int64_t>(recipe.tokenizer_vocab, 256);
  const uint64_t least = 8 * static_cast<uint64_t>(build_graph(config).parameter_count());
  const uint64_t available = available_memory();
  if (available > 0 && least > available)
    fail_resource(
        "{} of parameters and gradients do not fit into the {} that this machine has free; make "
        "the model smaller, or train on a larger machine",
        bytes_text(least), bytes_text(available));
}

struct Findings {
  std::string model;
  int64_t parameters = 0;
  int64_t rows = 0, inputs = 0, learned = 0, eval_rows = 0;
  double epochs = 0;
  MemoryEstimate memory;
  uint64_t memory_free = 0;                   // bytes, before the run; 0: unknown
  double step_seconds = 0, tokens_per_s = 0;  // of the second step
  double share_of_peak = 0;                   // 0: unknown
  double seconds = 0;                         // of the whole run
  uint64_t checkpoint_bytes = 0, disk = 0, disk_free = 0;
  double first_loss = 0, second_loss = 0;
};

class DryRun {
 public:
  DryRun(const DryRunArguments& arguments, const Recipe& recipe, ThreadPool& pool,
         const std::atomic<bool>& stop)
      : arguments_(arguments), recipe_(recipe), pool_(pool), stop_(stop) {}

  Findings find() {
    require_least_memory(recipe_);
    if (Run::exists(arguments_.out))
      require_same_recipe(Run::open(arguments_.out), recipe_);
    else
      require_free_folder(arguments_.out);
    const Scratch scratch(arguments_.out);
    found_.disk_free = fs::space(scratch.path()).available;
    say("reading and tokenizing the data");
    const std::string folder = scratch.path() + "/run";
    create_run(folder, recipe_, read_text_file(arguments_.recipe_path), pool_,
               show_data_progress(stop_));
    const Run run = Run::open(folder);
    check_samples(recipe_.run, run);
    describe(run);
    const MemoryRequest memory = memory_request(run, recipe_.run, pool_.threads());
    found_.memory_free = available_memory();
    require_memory(memory, recipe_.run.memory, found_.memory_free);
    found_.memory = estimate_memory(memory);
    go_on();
    train(run);
    require_disk(run);
    return found_;
  }

 private:
  void say(const char* text) const {
    if (!arguments_.json) fmt::print(stderr, "{}\n", text);
  }

  void go_on() const {
    if (stop_) throw Error(ErrorKind::interrupted, "interrupted; nothing is left behind");
  }

  void describe(const Run& run) {
    const ModelConfig& config = run.config();
    found_.model =
        fmt::format("{}, {} layers of width {}, context {}, {} tokens in the vocabulary",
                    config.architecture, config.layers, config.width, config.context, config.vocab);
    const Dataset& data = run.train_data();
    found_.rows = data.rows();
    found_.inputs = data.inputs();
    found_.learned = data.learned_tokens();
    if (run.eval_data()) found_.eval_rows = run.eval_data()->rows();
    const TrainOptions& options = run.options();
    found_.epochs = static_cast<double>(options.steps * options.rows * options.micro_batches) /
                    static_cast<double>(data.rows());
  }

  void train(const Run& run) {
    const TrainOptions& options = run.options();
    const std::unique_ptr<Trainer> trainer = run.make_trainer(pool_);
    trainer->set_recompute(recipe_.run.recompute);
    found_.parameters = trainer->graph().parameter_count();
    say("training two steps");
    StepResult result;
    for (int i = 0; i < 2 && !trainer->finished(); ++i) {
      go_on();
      found_.step_seconds = seconds_of([&] { result = trainer->step(); });
      (i == 0 ? found_.first_loss : found_.second_loss) = result.loss;
    }
    found_.tokens_per_s = static_cast<double>(result.inputs) / found_.step_seconds;
    found_.seconds = found_.step_seconds * static_cast<double>(options.steps);
    const double peak = kernels::peak_f32(pool_) * 1e9;
    if (peak > 0)
      found_.share_of_peak = 3 * trainer->graph().flops_per_token() * found_.tokens_per_s / peak;

    const RunOptions& often = recipe_.run;
    if (often.eval_every > 0) {
      const int64_t rows = std::min(often.eval_rows, found_.eval_rows);
      const int64_t some = std::min(rows, options.rows);
      const double seconds = seconds_of([&] { trainer->evaluate(*run.eval_data(), some); });
      found_.seconds += seconds * static_cast<double>(rows) / static_cast<double>(some) *
                        static_cast<double>(options.steps / often.eval_every);
    }
    go_on();
    const std::string checkpoint = run.checkpoint_path(trainer->completed_steps());
    const double seconds = seconds_of([&] { trainer->save_checkpoint(checkpoint); });
    found_.checkpoint_bytes = fs::file_size(checkpoint);
    found_.seconds += seconds * static_cast<double>(options.steps / often.checkpoint_every + 1);
  }

  // The checkpoints that stay, one more while it is written, and the final model.
  void require_disk(const Run& run) {
    const RunOptions& often = recipe_.run;
    const int64_t made = recipe_.options.steps / often.checkpoint_every + 1;
    const auto others = static_cast<uint64_t>(std::min(often.keep, made));
    found_.disk = folder_bytes(run.folder()) + others * found_.checkpoint_bytes +
                  4 * static_cast<uint64_t>(found_.parameters);
    if (found_.disk > found_.disk_free)
      fail_resource("{}: the run needs {} there, {} are free; free some, or lower keep",
                    arguments_.out, bytes_text(found_.disk), bytes_text(found_.disk_free));
  }

  const DryRunArguments& arguments_;
  const Recipe& recipe_;
  ThreadPool& pool_;
  const std::atomic<bool>& stop_;
  Findings found_;
};

void print_table(const Findings& f, const DryRunArguments& arguments, const Recipe& recipe) {
  const auto line = [](const char* name, const std::string& value) {
    print_text(fmt::format("{:<10}{}\n", name, value));
  };
  line("model",
       fmt::format("{:.2f}M parameters: {}", static_cast<double>(f.parameters) * 1e-6, f.model));
  line("data", fmt::format("{} rows with {} tokens, {} of them learned; {:.2f} epochs", f.rows,
                           f.inputs, f.learned, f.epochs));
  if (f.eval_rows > 0) line("eval", fmt::format("{} rows", f.eval_rows));
  line("memory", describe_memory(f.memory));
  if (f.memory_free > 0) line("", fmt::format("{} are free", bytes_text(f.memory_free)));
  line("speed",
       fmt::format("{:.3g} s per step, {:.0f} tokens per second{}", f.step_seconds, f.tokens_per_s,
                   f.share_of_peak > 0
                       ? fmt::format(", {:.0f} % of the f32 peak", 100 * f.share_of_peak)
                       : ""));
  line("time", fmt::format("{} for {} steps", duration_text(f.seconds), recipe.options.steps));
  line("disk", fmt::format("{}, a checkpoint {}; {} are free", bytes_text(f.disk),
                           bytes_text(f.checkpoint_bytes), bytes_text(f.disk_free)));
  line("loss", fmt::format("{:.4f}, then {:.4f}", f.first_loss, f.second_loss));
  print_text(fmt::format("Nothing stands in the way. To begin: avocado train {} --out {}\n",
                         arguments.recipe_path, arguments.out));
}

}  // namespace

void dry_run(const DryRunArguments& arguments, const Recipe& recipe, ThreadPool& pool,
             const std::atomic<bool>& stop) {
  const Findings f = DryRun(arguments, recipe, pool, stop).find();
  if (arguments.json) {
    print_json({{"dry_run", arguments.recipe_path},
                {"parameters", f.parameters},
                {"rows", f.rows},
                {"inputs", f.inputs},
                {"learned", f.learned},
                {"eval_rows", f.eval_rows},
                {"epochs", f.epochs},
                {"memory_bytes", f.memory.total()},
                {"memory_free_bytes", f.memory_free},
                {"step_seconds", f.step_seconds},
                {"tokens_per_s", f.tokens_per_s},
                {"share_of_peak", f.share_of_peak},
                {"seconds", f.seconds},
                {"checkpoint_bytes", f.checkpoint_bytes},
                {"disk_bytes", f.disk},
                {"disk_free_bytes", f.disk_free},
                {"first_loss", f.first_loss},
                {"second_loss", f.second_loss}});
  } else {
    print_table(f, arguments, recipe);
  }
  finish_output();
}

}  // namespace avocado::cli
