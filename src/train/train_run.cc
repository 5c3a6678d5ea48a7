#include <algorithm>
#include <chrono>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "base/sha256.h"
#include "train/final.h"
#include "train/run.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// Of several processes the leader's Session alone writes files and is observed.
class Session {
 public:
  Session(const Run& run, const RunOptions& options, ThreadPool& pool, const RunObserver& observer,
          Processes& processes)
      : run_(run),
        options_(options),
        observer_(observer),
        processes_(processes),
        spikes_(options.spike),
        log_(processes.leader() ? std::make_unique<MetricsLog>(run.metrics_path()) : nullptr),
        trainer_(run.make_trainer(pool, processes)) {
    trainer_->set_recompute(options.recompute);
  }

  RunOutcome train(const std::atomic<bool>* stop) {
    if (processes_.leader()) {
      remove_temporary_files(run_.folder());
      remove_temporary_files(run_.folder() + "/checkpoints");
    }
    resume();
    if (observer_.on_start) observer_.on_start(trainer_->completed_steps());
    while (!trainer_->finished()) {
      const int64_t step = make_step();
      const bool stopping = any(processes_, stop && *stop);
      if (due(options_.eval_every, step)) evaluate();
      if (observer_.on_sample && options_.sample_every > 0 &&
          (due(options_.sample_every, step) || trainer_->finished()))
        observer_.on_sample(step, *trainer_);
      if (due(options_.checkpoint_every, step) || trainer_->finished() || stopping) checkpoint();
      if (stopping && !trainer_->finished()) return outcome(false);
    }
    if (any(processes_, processes_.leader() && !all_written())) write_models();
    return outcome(true);
  }

 private:
  static bool due(int64_t every, int64_t step) { return every > 0 && step % every == 0; }

  // The leader chooses the checkpoint; the others load the same.
  void resume() {
    int64_t found = processes_.leader() ? resume_by_log() : -1;
    broadcast(processes_, std::as_writable_bytes(std::span(&found, 1)));
    if (!processes_.leader() && found >= 0) trainer_->load_checkpoint(run_.checkpoint_path(found));
  }

  // Brings trainer and log to the newest checkpoint that is whole and that the log knows. Returns
  // its step, -1: there is none.
  int64_t resume_by_log() {
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
    log_->truncate(metrics.end_of(std::max<int64_t>(found, 0)));
    if (metrics.lines == 0)
      log_->append({{"kind", "run"},
                    {"definition", run_.definition()},
                    {"manifest", sha256_file(run_.manifest_path())}});
    bool recorded = false;
    for (const MetricsRecord& record : metrics.records) {
      recorded |= record.kind == "checkpoint" && record.step == found;
      if (record.kind == "final" && record.step == found && is_whole(record, run_.final_path()))
        final_digest_ = record_field<std::string>(record.json, "weights", record.source);
      if (record.kind == "final-ema" && record.step == found)
        average_written_ = is_whole(record, run_.final_average_path());
    }
    if (found > 0 && !recorded) record_checkpoint(found);
    for (int64_t step = 0; step < found; ++step)
      spikes_.add(metrics.steps[static_cast<size_t>(step)].loss);
    return found;
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

  // Whether the file is there as the record says.
  static bool is_whole(const MetricsRecord& record, const std::string& path) {
    return std::filesystem::exists(path) &&
           sha256_file(path) == record_field<std::string>(record.json, "sha256", record.source);
  }

  int64_t make_step() {
    const auto start = Clock::now();
    const StepResult result = trainer_->step();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (!processes_.leader()) return result.step;
    const double tokens_per_s = static_cast<double>(result.inputs) / std::max(seconds, 1e-9);
    log_->append(step_record(result, tokens_per_s));
    if (observer_.on_step) observer_.on_step(result, tokens_per_s);
    if (const double usual = spikes_.add(result.loss); usual >= 0)
      fail_input("{}",
                 spike_message(result, usual, options_.spike, run_.options(), run_.train_data()));
    return result.step;
  }

  // Every process computes it, which takes no longer than to wait for the leader.
  void evaluate() {
    const double loss = trainer_->evaluate(*run_.eval_data(), options_.eval_rows);
    Json record = {{"kind", "eval"},
                   {"step", trainer_->completed_steps()},
                   {"loss", loss},
                   {"rows", options_.eval_rows}};
    if (run_.options().ema > 0)
      record["ema_loss"] = trainer_->evaluate_average(*run_.eval_data(), options_.eval_rows);
    if (!processes_.leader()) return;
    log_->append(record);
    if (observer_.on_eval) observer_.on_eval(trainer_->completed_steps(), loss);
  }

  // The log is on disk before the checkpoint that relies on it.
  void checkpoint() {
    const int64_t step = trainer_->completed_steps();
    if (log_) log_->sync();
    trainer_->save_checkpoint(run_.checkpoint_path(step));
    if (!processes_.leader()) return;
    record_checkpoint(step);
    prune(step);
    if (observer_.on_checkpoint) observer_.on_checkpoint(step, run_.checkpoint_path(step));
  }

  void record_checkpoint(int64_t step) {
    const std::string path = run_.checkpoint_path(step);
    log_->append({{"kind", "checkpoint"},
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

  bool all_written() const {
    return !final_digest_.empty() && (run_.options().ema == 0 || average_written_);
  }

  // The average comes first: the record of the weights says that all is written.
  void write_models() {
    if (run_.options().ema > 0)
      write_model("final-ema", run_.final_average_path(), trainer_->averaged_weights());
    final_digest_ = write_model("final", run_.final_path(), trainer_->weights());
    if (log_) log_->sync();
  }

  // Returns the digest of the weights.
  std::string write_model(const char* kind, const std::string& path,
                          const std::vector<const float*>& weights) {
    if (!processes_.leader()) return {};
    std::string digest = write_final(run_, *trainer_, path, weights);
    log_->append({{"kind", kind},
                  {"step", trainer_->completed_steps()},
                  {"file", file_name(path)},
                  {"sha256", sha256_file(path)},
                  {"weights", digest}});
    return digest;
  }

  RunOutcome outcome(bool finished) const {
    return {finished, trainer_->completed_steps(), trainer_->chain(), final_digest_};
  }

  const Run& run_;
  const RunOptions& options_;
  const RunObserver& observer_;
  Processes& processes_;
  SpikeWatch spikes_;
  std::unique_ptr<MetricsLog> log_;  // of the leader
  std::unique_ptr<Trainer> trainer_;
  std::string final_digest_;
  bool average_written_ = false;
};

}  // namespace

MemoryRequest memory_request(const Run& run, const RunOptions& options, int threads,
                             const Processes& processes) {
  return {.config = run.config(),
          .options = run.options(),
          .adapter = run.adapter(),
          .base = run.adapter() ? run.base_path() : "",
          .recompute = options.recompute,
          .train = run.train_data(),
          .eval = run.eval_data(),
          .threads = threads,
          .processes = processes.size(),
          .rank = processes.rank()};
}

RunOutcome train_run(const Run& run, const RunOptions& options, ThreadPool& pool,
                     const RunObserver& observer, const std::atomic<bool>* stop,
                     Processes& processes) {
  if (options.eval_every > 0 && !run.eval_data())
    fail_usage("evaluation is asked for, but {} holds no evaluation data", run.folder());
  const MemoryRequest request = memory_request(run, options, pool.threads(), processes);
  require_memory(request, options.memory, available_memory());
  const RunObserver& heard = processes.leader() ? observer : RunObserver{};
  if (heard.on_memory) heard.on_memory(estimate_memory(request));
  return Session(run, options, pool, heard, processes).train(stop);
}

}  // namespace avocado
