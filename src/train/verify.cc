#include "train/verify.h"

#include <bit>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/sha256.h"
#include "models/model.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

// Ends a verification with the first difference found.
struct Difference {
  std::string text;
};

template <class... Args>
[[noreturn]] void differ(fmt::format_string<Args...> format, Args&&... args) {
  throw Difference{fmt::format(format, std::forward<Args>(args)...)};
}

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

class Verification {
 public:
  Verification(const Run& run, const VerifyOptions& options, ThreadPool& pool,
               const VerifyObserver& observer, VerifyReport& report)
      : run_(run), pool_(pool), observer_(observer), report_(report) {
    metrics_ = read_metrics(run.metrics_path(), run.definition());
    const auto logged = static_cast<int64_t>(metrics_.steps.size());
    from_ = options.from;
    to_ = options.to < 0 ? logged : options.to;
    if (from_ < 0 || from_ > to_)
      fail_usage("--from {} --to {}: the range must ascend from 0", from_, to_);
    if (metrics_.problem.empty() && to_ > logged)
      fail_usage("--to {}: the log of {} ends at step {}", to_, run.folder(), logged);
  }

  void verify() {
    if (!metrics_.problem.empty()) differ("{}", metrics_.problem);
    if (metrics_.lines == 0) differ("{}: no records", run_.metrics_path());
    check_files();
    replay();
    if (to_ == run_.options().steps) check_final_weights();
  }

 private:
  void check_files() {
    for (const MetricsRecord& record : metrics_.records) {
      if (record.kind == "run") {
        check_digest(run_.manifest_path(), record, "manifest");
      } else if (record.kind == "checkpoint") {
        checkpoints_[record.step] = &record;
      } else if (record.kind == "final") {
        final_ = &record;
      } else if (record.kind == "final-ema") {
        final_average_ = &record;
      } else if (record.kind != "eval") {
        differ("{}: unknown kind \"{}\"", record.source, record.kind);
      }
    }
    for (const auto& [step, record] : checkpoints_) {
      const std::string path = run_.checkpoint_path(step);
      // All but the newest may have been removed (keep).
      if (!fs::exists(path) && step != checkpoints_.rbegin()->first) continue;
      check_digest(path, *record, "sha256");
      ++report_.checkpoints;
    }
    for (int64_t step : run_.checkpoints())
      if (step != 0 && !checkpoints_.contains(step))
        differ("{}: the log does not know this checkpoint; resume the run to record it",
               run_.checkpoint_path(step));
    check_model_file(run_.final_path(), final_);
    check_model_file(run_.final_average_path(), final_average_);
  }

  void check_model_file(const std::string& path, const MetricsRecord* record) {
    if (record) check_digest(path, *record, "sha256");
    if (!record && fs::exists(path))
      differ("{}: the log does not know this file; resume the run to record it", path);
  }

  void check_digest(const std::string& path, const MetricsRecord& record, const char* key) {
    const auto logged = record_field<std::string>(record.json, key, record.source);
    if (!fs::exists(path)) differ("{}: missing, but {} has its digest", path, record.source);
    const std::string found = sha256_file(path);
    if (found != logged)
      differ("{}: its SHA-256 is {}, logged {} ({})", path, found, logged, record.source);
  }

  void replay() {
    trainer_ = run_.make_trainer(pool_);
    for (const auto& [step, record] : checkpoints_)
      if (step <= from_ && fs::exists(run_.checkpoint_path(step))) report_.start = step;
    if (report_.start > 0) {
      trainer_->load_checkpoint(run_.checkpoint_path(report_.start));
      compare_chain(report_.start);
    }
    report_.steps = report_.start;
    if (observer_.on_start) observer_.on_start(report_.start, to_);
    while (trainer_->completed_steps() < to_) {
      const StepResult result = trainer_->step();
      compare(result, metrics_.steps[static_cast<size_t>(result.step) - 1]);
      report_.steps = result.step;
      report_.chain = result.chain;
      if (observer_.on_step) observer_.on_step(result);
    }
  }

  void compare_chain(int64_t step) {
    if (trainer_->completed_steps() != step ||
        trainer_->chain() != metrics_.steps[static_cast<size_t>(step) - 1].chain)
      differ("{}: its chain of digests is not that of the log", run_.checkpoint_path(step));
    report_.chain = trainer_->chain();
  }

  void compare(const StepResult& replayed, const StepResult& logged) {
    const int64_t step = replayed.step;
    const auto number = [&](const char* field, double now, double then) {
      if (!same_bits(now, then))
        differ("step {}: {} logged {}, replayed {}", step, field, then, now);
    };
    number("loss", replayed.loss, logged.loss);
    number("grad_norm", replayed.grad_norm, logged.grad_norm);
    number("lr", replayed.lr, logged.lr);
    if (replayed.learned != logged.learned || replayed.inputs != logged.inputs)
      differ("step {}: tokens logged {} of {}, replayed {} of {}", step, logged.learned,
             logged.inputs, replayed.learned, replayed.inputs);
    compare_checkpoint(step);
    if (replayed.digest != logged.digest)
      differ("step {}: digest of the state logged {}, replayed {}", step, logged.digest,
             replayed.digest);
    compare_evaluations(step);
  }

  // Before the digests, because it can name the tensor and the element.
  void compare_checkpoint(int64_t step) {
    const std::string path = run_.checkpoint_path(step);
    if (!checkpoints_.contains(step) || !fs::exists(path)) return;
    const std::string difference = trainer_->compare_checkpoint(path);
    if (!difference.empty()) differ("step {}: {}: {}", step, path, difference);
  }

  void compare_evaluations(int64_t step) {
    for (const MetricsRecord& record : metrics_.records) {
      if (record.kind != "eval" || record.step != step) continue;
      if (!run_.eval_data())
        differ("{}: an evaluation, but the run has no data for it", record.source);
      const auto rows = record_field<int64_t>(record.json, "rows", record.source);
      const auto logged = record_field<double>(record.json, "loss", record.source);
      const double replayed = trainer_->evaluate(*run_.eval_data(), rows);
      if (!same_bits(replayed, logged))
        differ("step {}: evaluation loss logged {}, replayed {}", step, logged, replayed);
      if (run_.options().ema == 0) continue;
      const auto average = record_field<double>(record.json, "ema_loss", record.source);
      const double again = trainer_->evaluate_average(*run_.eval_data(), rows);
      if (!same_bits(again, average))
        differ("step {}: evaluation loss of the averaged weights logged {}, replayed {}", step,
               average, again);
    }
  }

  void check_final_weights() {
    if (final_average_)
      check_model(*final_average_, run_.final_average_path(), trainer_->averaged_weights());
    if (final_)
      report_.weights_digest = check_model(*final_, run_.final_path(), trainer_->weights());
  }

  // Returns the digest of the replayed weights, which is that of the log and of the file.
  std::string check_model(const MetricsRecord& record, const std::string& path,
                          const std::vector<const float*>& weights) {
    std::string replayed = weights_digest(trainer_->graph(), weights);
    const auto logged = record_field<std::string>(record.json, "weights", record.source);
    if (replayed != logged)
      differ("{}: digest of its weights logged {}, replayed {}", path, logged, replayed);
    const std::string stored = Model::load(path, pool_, {}).weights_digest();
    if (replayed != stored)
      differ("{}: digest of its weights {}, replayed {}", path, stored, replayed);
    return replayed;
  }

  const Run& run_;
  ThreadPool& pool_;
  const VerifyObserver& observer_;
  VerifyReport& report_;
  MetricsFile metrics_;
  std::map<int64_t, const MetricsRecord*> checkpoints_;
  const MetricsRecord* final_ = nullptr;
  const MetricsRecord* final_average_ = nullptr;
  int64_t from_ = 0, to_ = 0;
  std::unique_ptr<Trainer> trainer_;
};

}  // namespace

VerifyReport verify_run(const Run& run, const VerifyOptions& options, ThreadPool& pool,
                        const VerifyObserver& observer) {
  VerifyReport report;
  Verification verification(run, options, pool, observer, report);
  try {
    verification.verify();
    report.passed = true;
  } catch (const Difference& difference) {
    report.problem = difference.text;
  } catch (const Error& error) {
    // A file that cannot be read is a difference too; a wrong flag is not.
    if (error.kind() != ErrorKind::input) throw;
    report.problem = error.what();
  }
  return report;
}

}  // namespace avocado
