#include "cli/training_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/inference.h"
#include "files/printable.h"
#include "kernels/peak/peak.h"
#include "models/registry.h"
#include "train/trained_graph.h"

namespace avocado::cli {

// Peak: a millisecond of products between registers.
TrainingView::TrainingView(const Run& run, bool json, ThreadPool& pool)
    : run_(run),
      json_(json),
      peak_(kernels::peak_f32(pool) * 1e9),
      ops_per_token_(trained_graph(build_graph(run.config()), run.adapter()).flops_per_token()) {}

double TrainingView::share_of_peak(double tokens_per_s) const {
  return peak_ > 0 ? ops_per_token_ * tokens_per_s / peak_ : 0;
}

// A reader sees each line as soon as it is there.
void TrainingView::event(const char* kind, nlohmann::json object) const {
  object["event"] = kind;
  print_json(object);
  finish_output();
}

void TrainingView::say(const std::string& text) {
  if (progress_)
    progress_->say(text);
  else
    fmt::print(stderr, "{}\n", text);
}

void TrainingView::memory(const MemoryEstimate& estimate) {
  if (json_) return event("memory", {{"bytes", estimate.total()}});
  say("memory " + describe_memory(estimate));
}

void TrainingView::start(int64_t completed) {
  const int64_t steps = run_.options().steps;
  if (json_) {
    return event("start", {{"run", run_.folder()},
                           {"definition", run_.definition()},
                           {"completed", completed},
                           {"steps", steps},
                           {"peak_gflops", peak_ * 1e-9}});
  }
  if (completed > 0) say(fmt::format("resumed after step {}", completed));
  progress_.emplace(steps, completed);
}

void TrainingView::step(const StepResult& result, double smoothed, double tokens_per_s) {
  losses_.push_back(result.loss);
  const double share = share_of_peak(tokens_per_s);
  if (json_) {
    return event("step", {{"step", result.step},
                          {"loss", result.loss},
                          {"smoothed", smoothed},
                          {"grad_norm", result.grad_norm},
                          {"lr", result.lr},
                          {"tokens_per_s", tokens_per_s},
                          {"share_of_peak", share}});
  }
  std::vector<std::string> figures = {
      fmt::format("loss {:.4f}", result.loss), fmt::format("smoothed {:.4f}", smoothed),
      fmt::format("grad {:.3g}", result.grad_norm), fmt::format("lr {:.2e}", result.lr)};
  if (share > 0) figures.push_back(fmt::format("{:.0f} % of f32 peak", 100 * share));
  progress_->step(result.step, std::move(figures), result.inputs);
}

void TrainingView::eval(int64_t step, double loss) {
  if (json_) return event("eval", {{"step", step}, {"loss", loss}});
  say(fmt::format("step {}: evaluation loss {:.4f}", step, loss));
}

void TrainingView::checkpoint(int64_t step, const std::string& path) {
  if (json_) event("checkpoint", {{"step", step}, {"file", path}});
}

void TrainingView::sample(const TextSample& sample) {
  if (json_) {
    return event("sample", {{"step", sample.step},
                            {"prompt", sample.prompt},
                            {"text", sample.text},
                            {"ended", sample.ended}});
  }
  say(fmt::format("step {}: {} | {}", sample.step, printable(sample.prompt),
                  printable(sample.text)));
}

void TrainingView::warning(const std::string& text) {
  if (json_) return event("warning", {{"message", text}});
  say("warning: " + text);
}

void TrainingView::end(const RunOutcome& outcome) {
  if (progress_) progress_->finish();
  if (json_) {
    nlohmann::json object = {{"run", run_.folder()},
                             {"definition", run_.definition()},
                             {"steps", outcome.steps},
                             {"finished", outcome.finished},
                             {"chain", outcome.chain}};
    if (!losses_.empty()) object["loss"] = losses_.back();
    if (outcome.finished) {
      object["model"] = run_.final_path();
      object["weights"] = outcome.weights_digest;
    }
    event("end", std::move(object));
  } else if (outcome.finished) {
    print_text(draw_curve(losses_, std::min(terminal_width(), 100), 8));
    print_text(fmt::format("model    {}\nweights  {}\nchain    {}\n", run_.final_path(),
                           outcome.weights_digest, outcome.chain));
    finish_output();
  }
}

}  // namespace avocado::cli
