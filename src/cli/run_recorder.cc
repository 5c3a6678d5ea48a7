#include "cli/run_recorder.h"

#include <fmt/chrono.h>

#include <chrono>

#include "base/machine.h"
#include "cli/training_samples.h"
#include "files/append_file.h"
#include "kernels/isa.h"

namespace avocado::cli {

RunRecorder::RunRecorder(const Run& run, const RunOptions& options, int64_t completed, int threads)
    : run_(run), options_(options), samples_path_(run.folder() + "/samples.jsonl") {
  if (completed >= run.options().steps) return;  // nothing is left to be told
  check_samples(options, run);
  cut_samples(samples_path_, completed);
  tensorboard_.emplace(run.folder() + "/tensorboard", completed);
  for (const StepResult& former : read_metrics(run.metrics_path(), run.definition()).steps)
    smoothed_.add(former.loss);
  const nlohmann::ordered_json session = {
      {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
      {"step", completed},
      {"version", AVOCADO_VERSION},
      {"cpu", read_machine().cpu_model},
      {"isa", kernels::isa_name(kernels::active_isa())},
      {"threads", threads}};
  AppendFile(run.folder() + "/sessions.jsonl")
      .append(session.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

double RunRecorder::step(const StepResult& result, double tokens_per_s) {
  const double smoothed = smoothed_.add(result.loss);
  std::vector<Scalar> scalars = {{"loss/train", result.loss},
                                 {"loss/smoothed", smoothed},
                                 {"grad_norm", result.grad_norm},
                                 {"lr", result.lr},
                                 {"tokens_per_s", tokens_per_s}};
  if (const PreferenceMetrics& p = result.preference; p.pairs > 0)
    scalars.insert(scalars.end(), {{"rewards/accuracies", p.accuracy},
                                   {"rewards/chosen", p.chosen_reward},
                                   {"rewards/rejected", p.rejected_reward},
                                   {"rewards/margins", p.chosen_reward - p.rejected_reward}});
  tensorboard_->add(result.step, scalars);
  return smoothed;
}

void RunRecorder::eval(int64_t step, double loss) {
  tensorboard_->add(step, std::vector<Scalar>{{"loss/eval", loss}});
}

std::vector<TextSample> RunRecorder::samples(Trainer& trainer) {
  std::vector<TextSample> made;
  for (const std::string& prompt : options_.samples) {
    made.push_back(make_sample(trainer, *run_.tokenizer(), prompt, options_));
    append_sample(samples_path_, made.back());
  }
  return made;
}

}  // namespace avocado::cli
