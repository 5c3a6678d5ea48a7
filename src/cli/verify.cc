// avocado verify: is this run what it says it is?

#include "train/verify.h"

#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/progress.h"
#include "cli/threads.h"
#include "cli/verbs.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string run;
  VerifyOptions range;
  ThreadArguments threads;
  bool json = false;
};

void verify(const Arguments& arguments) {
  ThreadPool pool = make_pool(arguments.threads);
  const Run run = Run::open(arguments.run);
  std::optional<Progress> progress;
  const VerifyObserver observer{
      .on_start = [&](int64_t start, int64_t end) { progress.emplace(end, start); },
      .on_step =
          [&](const StepResult& result) {
            progress->step(result.step, result.loss, result.inputs);
          }};
  const VerifyReport report = verify_run(run, arguments.range, pool, observer);
  if (progress) progress->finish();
  if (arguments.json) {
    nlohmann::json object = {
        {"run", run.folder()}, {"passed", report.passed},           {"from", report.start},
        {"to", report.steps},  {"checkpoints", report.checkpoints}, {"chain", report.chain}};
    if (!report.passed) object["problem"] = report.problem;
    if (!report.weights_digest.empty()) object["weights"] = report.weights_digest;
    print_json(object);
  } else if (report.passed) {
    print_text(
        fmt::format("passed: steps {} to {} replayed, every bit equal; {} checkpoints whole\n",
                    report.start, report.steps, report.checkpoints));
    if (!report.weights_digest.empty())
      print_text(fmt::format("weights  {}\n", report.weights_digest));
    print_text(fmt::format("chain    {}\n", report.chain));
  }
  finish_output();
  if (!report.passed) fail_input("{}: not verified: {}", run.folder(), report.problem);
}

}  // namespace

void add_verify(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("verify", "Replay a training run and compare every bit");
  verb->add_option("RUN", arguments->run, "The folder of a run")->required();
  verb->add_option(
          "--from", arguments->range.from,
          "Replay from the newest checkpoint at or before this step (default: the beginning)")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--to", arguments->range.to, "Last step to replay (default: the last logged)")
      ->check(CLI::NonNegativeNumber);
  add_thread_arguments(*verb, arguments->threads);
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { verify(*arguments); });
}

}  // namespace avocado::cli
