#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "models/model.h"
#include "train/run.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

class Session {
 public:
  Session(const Run& run, const RunOptions& options, ThreadPool& pool, const RunObserver& observer)
      : run_(run),
        options_(options),
        observer_(observer),
        log_(run.metrics_path()),
        trainer_(run.make_trainer(pool)) {
    trainer_->set_recompute(options.recompute);
  }

  RunOutcome train(const std::atomic<bool>* stop) {
    remove_temporary_files(run_.folder());
    remove_temporary_files(run_.folder() + "/checkpoints");
    resume();
    if (observer_.on_start) observer_.on_start(trainer_->completed_steps());
    while (!trainer_->finished()) {
      const int64_t step = make_step();
      const bool stopping = stop && *stop;
      if (due(options_.eval_every, step)) evaluate();
      if (due(options_.checkpoint_every, step) || trainer_->finished() || stopping) checkpoint();
      if (stopping && !trainer_->finished()) return outcome(false);
    }
    if (final_digest_.empty()) write_final();
    return outcome(true);
  }

 private:
  static bool due(int64_t every, int64_t step) { return every > 0 && step % every == 0; }

  // Brings trainer and log to the newest checkpoint that is whole and that the log knows.
  void resume() {
    const MetricsFile metrics = read_metrics(run_.metrics_path(), run_.definition());
    std::vector<int64_t> steps = run_.checkpoints();
    std::string refused;
    int64_t found = -1;
    for (auto step = steps.rbegin(); step != steps.rend() && found < 0; ++step) {
      const std::string problem = try_checkpoint(*step, metrics);
      if (problem.empty()) {
        found = *step;
      } else {
        refused += "\n  " + problem;
        if (observer_.on_warning) observer_.on_warning("checkpoint passed over: " + problem);
      }
    }
    if (found < 0 && !steps.empty())
      fail_input(
          "{}: no checkpoint can be used:{}\nTo start from the beginning, remove {}/checkpoints "
          "and {}",
          run_.folder(), refused, run_.folder(), run_.metrics_path());
    log_.truncate(metrics.end_of(std::max<int64_t>(found, 0)));
    if (metrics.lines == 0)
      log_.append({{"kind", "run"},
                   {"definition", run_.definition()},
                   {"manifest", sha256_file(run_.manifest_path())}});
    bool recorded = false;
    for (const MetricsRecord& record : metrics.records) {
      recorded |= record.kind == "checkpoint" && record.step == found;
      if (record.kind == "final" && record.step == found) keep_final(record);
    }
    if (found > 0 && !recorded) record_checkpoint(found);
  }

  // Loads it; returns why not.
  std::string try_checkpoint(int64_t step, const MetricsFile& metrics) {
    const std::string path = run_.checkpoint_path(step);
    try {
      if (step > static_cast<int64_t>(metrics.steps.size()))
        return fmt::format("{}: the log ends at step {}{}", path, metrics.steps.size(),
                           metrics.problem.empty() ? "" : " (" + metrics.problem + ")");
      trainer_->load_checkpoint(path);
      if (trainer_->completed_steps() != step)
        return fmt::format("{}: holds step {}", path, trainer_->completed_steps());
      if (trainer_->chain() != (step == 0 ? run_.definition() : metrics.steps[step - 1].chain))
        return fmt::format("{}: its chain of digests is not that of {}", path, run_.metrics_path());
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  }

  void keep_final(const MetricsRecord& record) {
    const auto digest = record_field<std::string>(record.json, "weights", record.source);
    if (std::filesystem::exists(run_.final_path()) &&
        sha256_file(run_.final_path()) ==
            record_field<std::string>(record.json, "sha256", record.source))
      final_digest_ = digest;
  }

  int64_t make_step() {
    const auto start = Clock::now();
    const StepResult result = trainer_->step();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double tokens_per_s = static_cast<double>(result.inputs) / std::max(seconds, 1e-9);
    log_.append(step_record(result, tokens_per_s));
    if (observer_.on_step) observer_.on_step(result, tokens_per_s);
    return result.step;
  }

  void evaluate() {
    const double loss = trainer_->evaluate(*run_.eval_data(), options_.eval_rows);
    log_.append({{"kind", "eval"},
                 {"step", trainer_->completed_steps()},
                 {"loss", loss},
                 {"rows", options_.eval_rows}});
    if (observer_.on_eval) observer_.on_eval(trainer_->completed_steps(), loss);
  }

  // The log is on disk before the checkpoint that relies on it.
  void checkpoint() {
    const int64_t step = trainer_->completed_steps();
    log_.sync();
    trainer_->save_checkpoint(run_.checkpoint_path(step));
    record_checkpoint(step);
    prune(step);
    if (observer_.on_checkpoint) observer_.on_checkpoint(step, run_.checkpoint_path(step));
  }

  void record_checkpoint(int64_t step) {
    const std::string path = run_.checkpoint_path(step);
    log_.append({{"kind", "checkpoint"},
                 {"step", step},
                 {"file", file_name(path)},
                 {"sha256", sha256_file(path)}});
  }

  // First weights that are not made from the seed stay.
  void prune(int64_t newest) {
    std::vector<int64_t> steps = run_.checkpoints();
    std::erase_if(steps, [&](int64_t step) { return step == 0 || step > newest; });
    const auto keep = static_cast<size_t>(options_.keep);
    for (size_t i = 0; i + keep < steps.size(); ++i) {
      std::error_code ignored;  // a file that stays does no harm
      std::filesystem::remove(run_.checkpoint_path(steps[i]), ignored);
    }
  }

  void write_final() {
    save_gguf(run_.final_path(), run_.config(), trainer_->graph(), trainer_->weights(),
              run_.tokenizer(), run_.chat_template());
    final_digest_ = weights_digest(trainer_->graph(), trainer_->weights());
    log_.append({{"kind", "final"},
                 {"step", trainer_->completed_steps()},
                 {"file", file_name(run_.final_path())},
                 {"sha256", sha256_file(run_.final_path())},
                 {"weights", final_digest_}});
    log_.sync();
  }

  RunOutcome outcome(bool finished) const {
    return {finished, trainer_->completed_steps(), trainer_->chain(), final_digest_};
  }

  const Run& run_;
  const RunOptions& options_;
  const RunObserver& observer_;
  MetricsLog log_;
  std::unique_ptr<Trainer> trainer_;
  std::string final_digest_;
};

}  // namespace

RunOutcome train_run(const Run& run, const RunOptions& options, ThreadPool& pool,
                     const RunObserver& observer, const std::atomic<bool>* stop) {
  if (options.eval_every > 0 && !run.eval_data())
    fail_usage("evaluation is asked for, but {} holds no evaluation data", run.folder());
  const MemoryRequest request{.config = run.config(),
                              .options = run.options(),
                              .recompute = options.recompute,
                              .train = run.train_data(),
                              .eval = run.eval_data(),
                              .threads = pool.threads()};
  require_memory(request, options.memory, available_memory());
  if (observer.on_memory) observer.on_memory(estimate_memory(request));
  return Session(run, options, pool, observer).train(stop);
}

}  // namespace avocado
