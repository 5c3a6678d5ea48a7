#include "train/verify.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "models/model.h"
#include "train/final.h"
#include "train/reference.h"

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

// The first number of a step that differs, with both values; empty when none does.
std::string differing_number(const StepResult& replayed, const StepResult& logged) {
  const auto text = [](const char* field, auto then, auto now) {
    return fmt::format("{} logged {}, replayed {}", field, then, now);
  };
  if (replayed.position != logged.position)
    return text("position", logged.position, replayed.position);
  if (!same_bits(replayed.loss, logged.loss)) return text("loss", logged.loss, replayed.loss);
  if (!same_bits(replayed.grad_norm, logged.grad_norm))
    return text("grad_norm", logged.grad_norm, replayed.grad_norm);
  if (!same_bits(replayed.lr, logged.lr)) return text("lr", logged.lr, replayed.lr);
  if (replayed.learned != logged.learned) return text("learned", logged.learned, replayed.learned);
  if (replayed.inputs != logged.inputs) return text("inputs", logged.inputs, replayed.inputs);
  const PreferenceMetrics &now = replayed.preference, &then = logged.preference;
  if (now.pairs != then.pairs) return text("pairs", then.pairs, now.pairs);
  if (!same_bits(now.accuracy, then.accuracy)) return text("accuracy", then.accuracy, now.accuracy);
  if (!same_bits(now.chosen_reward, then.chosen_reward))
    return text("chosen_reward", then.chosen_reward, now.chosen_reward);
  if (!same_bits(now.rejected_reward, then.rejected_reward))
    return text("rejected_reward", then.rejected_reward, now.rejected_reward);
  return {};
}

std::string differing_digest(const StepResult& replayed, const StepResult& logged) {
  if (replayed.digest == logged.digest) return {};
  return fmt::format("digest logged {}, replayed {}",
                     logged.digest.empty() ? "none" : logged.digest,
                     replayed.digest.empty() ? "none" : replayed.digest);
}

// What a finished run wrote.
struct ModelFile {
  const MetricsRecord* record;
  std::string path;
  std::string damage;  // its bytes are not those logged; a replay to the end names the element
};

class Verification {
 public:
  Verification(const Run& run, const VerifyOptions& options, ThreadPool& pool,
               const VerifyObserver& observer, VerifyReport& report)
      : run_(run), options_(options), pool_(pool), observer_(observer), report_(report) {
    metrics_ = read_metrics(run.metrics_path(), run.definition());
    report_.logged = logged();
    if (options.windows > 0 && options.length < 1)
      fail_usage("--length {}: a window has at least one step", options.length);
    if (options.from < 0 || (options.to >= 0 && options.from > options.to))
      fail_usage("--from {} --to {}: the range must ascend from 0", options.from, options.to);
    if (!metrics_.problem.empty()) return;
    if (std::max(options.from, options.to) > logged())
      fail_usage("--{} {}: the log of {} ends at step {}", options.to > logged() ? "to" : "from",
                 std::max(options.from, options.to), run.folder(), logged());
  }

  void verify() {
    if (metrics_.lines == 0 && metrics_.problem.empty())
      differ("{}: no records", run_.metrics_path());
    collect_records();
    if (!metrics_.problem.empty()) explain_broken_log();
    check_files();
    replay(stretches());
    if (trainer_ && trainer_->finished()) check_final_weights();
    if (!damaged_.empty()) explain_damage(damaged_.begin()->first);
    for (const ModelFile* model : {&final_, &average_})
      if (!model->damage.empty()) differ("{}", model->damage);
  }

 private:
  int64_t logged() const { return static_cast<int64_t>(metrics_.steps.size()); }

  void collect_records() {
    for (const MetricsRecord& record : metrics_.records) {
      if (record.kind == "checkpoint")
        checkpoints_[record.step] = &record;
      else if (record.kind == "final")
        final_ = {&record, run_.final_path(), {}};
      else if (record.kind == "final-ema")
        average_ = {&record, run_.final_average_path(), {}};
      else if (record.kind == "run")
        manifest_ = &record;
      else if (record.kind != "eval")
        differ("{}: unknown kind \"{}\"", record.source, record.kind);
    }
  }

  // A damaged checkpoint, or final.gguf, is kept in mind: a replay that comes by names the element.
  void check_files() {
    if (const std::string other = digest_problem(run_.manifest_path(), *manifest_, "manifest");
        !other.empty())
      differ("{}", other);
    for (const auto& [step, record] : checkpoints_) {
      const std::string path = run_.checkpoint_path(step);
      // All but the newest may have been removed (keep).
      if (!fs::exists(path) && step != checkpoints_.rbegin()->first) continue;
      const std::string problem = digest_problem(path, *record, "sha256");
      if (problem.empty())
        ++report_.checkpoints;
      else if (!fs::exists(path))
        differ("{}", problem);
      else
        damaged_[step] = problem;
    }
    for (int64_t step : run_.checkpoints())
      if (step != 0 && !checkpoints_.contains(step))
        differ("{}: the log does not know this checkpoint; resume the run to record it",
               run_.checkpoint_path(step));
    for (ModelFile* model : {&final_, &average_}) {
      if (model->record) model->damage = digest_problem(model->path, *model->record, "sha256");
      if (!model->record && fs::exists(model->path))
        differ("{}: the log does not know this file; resume the run to record it", model->path);
    }
  }

  static std::string digest_problem(const std::string& path, const MetricsRecord& record,
                                    const char* key) {
    const auto logged = record_field<std::string>(record.json, key, record.source);
    if (!fs::exists(path))
      return fmt::format("{}: missing, but {} has its digest", path, record.source);
    const std::string found = sha256_file(path);
    if (found == logged) return {};
    return fmt::format("{}: its SHA-256 is {}, logged {} ({})", path, found, logged, record.source);
  }

  // The newest step at or before `step` that a replay can start from; 0 is before the first step.
  int64_t newest_whole(int64_t step) const {
    int64_t newest = 0;
    for (const auto& [at, record] : checkpoints_)
      if (at <= step && !damaged_.contains(at) && fs::exists(run_.checkpoint_path(at))) newest = at;
    return newest;
  }

  // What is to be replayed, ascending.
  std::vector<StepRange> stretches() {
    if (options_.windows < 0) return {{options_.from, options_.to < 0 ? logged() : options_.to}};
    const int64_t length = std::min(options_.length, logged());
    const Random random(options_.seed, Purpose::verified_windows);
    for (int64_t i = 0; i < options_.windows; ++i) {
      const auto places = static_cast<uint64_t>(logged() - length + 1);
      const auto begin = static_cast<int64_t>(random.below(static_cast<uint64_t>(i), places));
      report_.windows.push_back({begin, begin + length});
    }
    std::sort(report_.windows.begin(), report_.windows.end(),
              [](const StepRange& a, const StepRange& b) { return a.begin < b.begin; });
    return report_.windows;
  }

  // Each stretch begins at a checkpoint, or goes on from the one before.
  void replay(std::vector<StepRange> wanted) {
    if (wanted.empty()) return;
    int64_t at = -1, total = 0;
    for (StepRange& stretch : wanted) {
      stretch.begin = at > stretch.begin ? at : std::max(newest_whole(stretch.begin), at);
      at = std::max(at, stretch.end);
      total += std::max<int64_t>(stretch.end - stretch.begin, 0);
    }
    report_.start = wanted.front().begin;
    if (observer_.on_start) observer_.on_start(total);
    trainer_ = run_.make_trainer(pool_);
    if (run_.options().loss == kDpo && report_.start == 0) check_reference();
    for (const StepRange& stretch : wanted) {
      start_at(stretch.begin);
      while (trainer_->completed_steps() < stretch.end) {
        const StepResult result = trainer_->step();
        compare(result, stretch.end);
        report_.steps = result.step;
        report_.chain = result.chain;
        ++report_.replayed;
        if (observer_.on_step) observer_.on_step(report_.replayed, result);
      }
    }
  }

  // A replay of the first step has the weights that it is of.
  void check_reference() {
    const std::string difference =
        compare_reference(run_.reference_path(), {&run_.train_data(), run_.eval_data()}, *trainer_);
    if (!difference.empty()) differ("{}: {}", run_.reference_path(), difference);
  }

  void start_at(int64_t step) {
    if (trainer_->completed_steps() == step) return;
    const std::string path = run_.checkpoint_path(step);
    const StepResult& logged = metrics_.steps[static_cast<size_t>(step) - 1];
    trainer_->load_checkpoint(path);
    if (trainer_->completed_steps() != step || trainer_->chain() != logged.chain)
      differ("{}: its chain of digests is not that of the log", path);
    if (!logged.digest.empty() && trainer_->state_digest() != logged.digest)
      differ("{}: the digest of its state is {}, logged {}", path, trainer_->state_digest(),
             logged.digest);
    report_.steps = step;
    report_.chain = logged.chain;
  }

  // `end`: how far a replay goes anyhow.
  void compare(const StepResult& replayed, int64_t end) {
    const int64_t step = replayed.step;
    const StepResult& logged = metrics_.steps[static_cast<size_t>(step) - 1];
    if (const std::string number = differing_number(replayed, logged); !number.empty())
      differ("step {}: {}{}", step, number, located(step, end));
    compare_checkpoint(step);
    if (const std::string digest = differing_digest(replayed, logged); !digest.empty())
      differ("step {}: {}{}", step, digest, located(step, end));
    compare_evaluations(step);
  }

  void compare_checkpoint(int64_t step) {
    const std::string path = run_.checkpoint_path(step);
    if (!checkpoints_.contains(step) || !fs::exists(path)) return;
    const std::string difference = trainer_->compare_checkpoint(path);
    if (!difference.empty()) differ("step {}: {}: {}", step, path, difference);
    if (damaged_.contains(step)) differ("{}", damaged_[step]);
  }

  // A number or a digest says that a state differs, not where; the next checkpoint does.
  std::string located(int64_t step, int64_t end) {
    auto next = checkpoints_.lower_bound(step);
    while (next != checkpoints_.end() && !fs::exists(run_.checkpoint_path(next->first))) ++next;
    if (next == checkpoints_.end() || next->first > end) return {};
    const std::string path = run_.checkpoint_path(next->first);
    try {
      while (trainer_->completed_steps() < next->first) trainer_->step();
      const std::string difference = trainer_->compare_checkpoint(path);
      return fmt::format("; {}: {}", path,
                         difference.empty() ? "agrees with the replay" : difference);
    } catch (const Error& error) {
      return fmt::format("; {}", error.what());
    }
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
        differ("{}: step {}: evaluation loss logged {}, replayed {}", record.source, step, logged,
               replayed);
      if (run_.options().ema == 0) continue;
      const auto average = record_field<double>(record.json, "ema_loss", record.source);
      const double again = trainer_->evaluate_average(*run_.eval_data(), rows);
      if (!same_bits(again, average))
        differ("{}: step {}: evaluation loss of the averaged weights logged {}, replayed {}",
               record.source, step, average, again);
    }
  }

  // The chain tells that a line was changed; a replay of its step, when it is in the range, tells
  // which field.
  [[noreturn]] void explain_broken_log() {
    const auto& broken = metrics_.broken;
    if (!broken || options_.windows >= 0 || broken->step <= options_.from ||
        (options_.to >= 0 && broken->step > options_.to))
      differ("{}", metrics_.problem);
    replay({{broken->step - 1, broken->step - 1}});
    const StepResult result = trainer_->step();
    std::string field = differing_number(result, *broken);
    if (field.empty()) field = differing_digest(result, *broken);
    if (field.empty())
      field = fmt::format("chain logged {}, replayed {}", broken->chain, result.chain);
    differ("{}; {}", metrics_.problem, field);
  }

  // Of a checkpoint that no replay came by.
  [[noreturn]] void explain_damage(int64_t step) {
    std::string text = damaged_[step];
    if (!trainer_) trainer_ = run_.make_trainer(pool_);
    try {
      trainer_->load_checkpoint(run_.checkpoint_path(step));
    } catch (const Error& error) {
      text += fmt::format("; {}", error.what());
    }
    differ("{}; to name the element: --from {} --to {}", text, newest_whole(step - 1), step);
  }

  void check_final_weights() {
    if (average_.record) check_model(average_, trainer_->averaged_weights());
    if (final_.record) report_.weights_digest = check_model(final_, trainer_->weights());
  }

  // Returns the digest of the replayed weights, which are those of the log and of the file.
  std::string check_model(const ModelFile& model, const std::vector<const float*>& weights) const {
    std::string replayed = weights_digest(trainer_->graph(), weights);
    const auto logged =
        record_field<std::string>(model.record->json, "weights", model.record->source);
    if (replayed != logged)
      differ("{}: digest of the final weights logged {}, replayed {}", model.record->source, logged,
             replayed);
    const std::vector<std::vector<float>> stored = read_final(run_, model.path, pool_);
    for (size_t w = 0; w < weights.size(); ++w)
      for (size_t i = 0; i < stored[w].size(); ++i)
        if (std::bit_cast<uint32_t>(stored[w][i]) != std::bit_cast<uint32_t>(weights[w][i]))
          differ("{}: tensor {}, element {}: stored {}, replayed {}", model.path,
                 trainer_->graph().weights[w].name, i, stored[w][i], weights[w][i]);
    return replayed;
  }

  const Run& run_;
  const VerifyOptions& options_;
  ThreadPool& pool_;
  const VerifyObserver& observer_;
  VerifyReport& report_;
  MetricsFile metrics_;
  const MetricsRecord* manifest_ = nullptr;
  std::map<int64_t, const MetricsRecord*> checkpoints_;
  std::map<int64_t, std::string> damaged_;  // checkpoints whose bytes are not those logged
  ModelFile final_{nullptr, run_.final_path(), {}};
  ModelFile average_{nullptr, run_.final_average_path(), {}};
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
