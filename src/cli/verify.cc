// avocado verify: is this run what it says it is, and is this receipt true?

#include "train/verify.h"

#include <memory>
#include <optional>
#include <random>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/progress.h"
#include "cli/software.h"
#include "cli/threads.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"
#include "models/model.h"
#include "train/receipt.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string run, receipt;
  std::vector<std::string> trusted;
  VerifyOptions range;
  std::optional<uint64_t> seed;
  ThreadArguments threads;
  bool json = false;
};

// What the checks so far have shown, to be printed once. The first failure ends them.
struct Findings {
  nlohmann::json json = nlohmann::json::object();
  std::vector<std::string> shown, not_shown;
  std::string problem;
};

std::string plural(int64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

bool is_trusted(const Receipt& receipt, const std::vector<std::string>& trusted) {
  bool found = false;
  for (const std::string& text : trusted) {
    const std::string key = read_trusted_key(text);
    found |= key == receipt.public_key || key == key_fingerprint(receipt.public_key);
  }
  return found;
}

void check_signature(const Receipt& receipt, const Arguments& arguments, Findings& findings) {
  nlohmann::json& json = findings.json["receipt"];
  json = {{"file", arguments.receipt}, {"issued", receipt.issued}, {"weights", receipt.weights}};
  if (receipt.signature.empty()) {
    json["signature"] = "none";
    if (!arguments.trusted.empty())
      findings.problem = arguments.receipt + ": is not signed; --trust asks for a signature";
    findings.not_shown.push_back("who wrote the receipt: it is not signed");
    return;
  }
  const std::string fingerprint = key_fingerprint(receipt.public_key);
  json["key"] = fingerprint;
  if (!receipt_signature_holds(receipt)) {
    json["signature"] = "wrong";
    findings.problem = fmt::format(
        "{}: the signature does not hold for the key {}; the receipt was changed after it was "
        "signed",
        arguments.receipt, fingerprint);
    return;
  }
  const bool trusted = is_trusted(receipt, arguments.trusted);
  json["signature"] = trusted ? "trusted" : "unknown key";
  if (trusted) {
    findings.shown.push_back(
        fmt::format("the receipt was signed by {}, a key you trust, and is "
                    "unchanged since",
                    fingerprint));
  } else if (!arguments.trusted.empty()) {
    findings.problem = fmt::format("{}: signed by {}, which is none of the keys given with --trust",
                                   arguments.receipt, fingerprint);
  } else {
    findings.shown.push_back(
        fmt::format("the receipt is unchanged since it was signed by {}", fingerprint));
    findings.not_shown.push_back(
        "who holds that key: anybody can make one; --trust names those you trust");
  }
}

void check_model(const Receipt& receipt, const std::string& path, ThreadPool& pool,
                 Findings& findings) {
  const std::string found = weights_digest(receipt, path, pool);
  findings.json["weights"] = found;
  if (found != receipt.weights)
    findings.problem = fmt::format(
        "{}: the digest of its weights is {}, that of the receipt {}; it is another model, or "
        "stored in another type",
        path, found, receipt.weights);
  else
    findings.shown.push_back(fmt::format("the weights of {} are those of the receipt", path));
  findings.not_shown.push_back(
      "that the weights come from the run; give the run's folder for that");
}

void report_replay(const VerifyReport& report, const Arguments& arguments, Findings& findings) {
  nlohmann::json& json = findings.json;
  json["from"] = report.start;
  json["to"] = report.steps;
  json["replayed"] = report.replayed;
  if (arguments.range.windows >= 0) {
    json["seed"] = arguments.range.seed;
    json["windows"] = nlohmann::json::array();
    for (const StepRange& window : report.windows)
      json["windows"].push_back({window.begin + 1, window.end});
  }
  json["checkpoints"] = report.checkpoints;
  if (!report.chain.empty()) json["chain"] = report.chain;
  if (!report.weights_digest.empty()) json["weights"] = report.weights_digest;
  findings.problem = report.problem;
  if (!report.passed) return;

  findings.shown.push_back(fmt::format("the log is as it was written, and {} whole",
                                       report.checkpoints == 1
                                           ? "1 checkpoint is"
                                           : plural(report.checkpoints, "checkpoint") + " are"));
  if (arguments.range.windows < 0) {
    findings.shown.push_back(
        fmt::format("steps {} to {} replayed, every bit equal", report.start, report.steps));
  } else if (report.replayed > 0) {
    std::vector<std::string> windows;
    for (const StepRange& window : report.windows)
      windows.push_back(fmt::format("{} to {}", window.begin + 1, window.end));
    findings.shown.push_back(fmt::format(
        "{} replayed, every bit equal; random windows (--seed {}): {}",
        plural(report.replayed, "step"), arguments.range.seed, fmt::join(windows, ", ")));
  }
  if (!report.weights_digest.empty())
    findings.shown.push_back("the final weights are those of the replay");
  if (const int64_t steps = report.logged; report.replayed < steps)
    findings.not_shown.push_back(
        fmt::format("the {} that were not replayed, and the checkpoints that "
                    "the replay began with, beyond their digests",
                    plural(steps - report.replayed, "step")));
}

void check_run(const Run& run, const Arguments& arguments, ThreadPool& pool, Findings& findings) {
  std::optional<Progress> progress;
  const VerifyObserver observer{.on_start = [&](int64_t total) { progress.emplace(total, 0); },
                                .on_step =
                                    [&](int64_t replayed, const StepResult& result) {
                                      progress->step(replayed, result.loss, result.inputs);
                                    }};
  const VerifyReport report = verify_run(run, arguments.range, pool, observer);
  if (progress) progress->finish();
  report_replay(report, arguments, findings);
}

void check(const Arguments& arguments, Findings& findings) {
  ThreadPool pool = make_pool(arguments.threads);
  std::optional<Receipt> receipt;
  if (!arguments.receipt.empty()) {
    receipt =
        parse_receipt(read_text_file(arguments.receipt, uint64_t{1} << 26), arguments.receipt);
    check_signature(*receipt, arguments, findings);
    if (!findings.problem.empty()) return;
  }
  if (arguments.run.empty()) {
    findings.not_shown.push_back(
        "that what it says is true; give the run's folder, or the model, beside it");
    return;
  }
  if (receipt && !Run::exists(arguments.run))
    return check_model(*receipt, arguments.run, pool, findings);
  const Run run = Run::open(arguments.run);
  if (receipt) {
    const std::string difference =
        receipt_difference(*receipt, describe_run(run, this_software(), pool));
    if (!difference.empty()) {
      findings.problem = fmt::format("{}: is not of this run: {}", arguments.receipt, difference);
      return;
    }
    findings.shown.push_back("all that the receipt says of the run's files, data and log is so");
  }
  check_run(run, arguments, pool, findings);
}

void print(const Findings& findings, const Arguments& arguments) {
  if (arguments.json) {
    nlohmann::json object = {{"run", arguments.run}, {"passed", findings.problem.empty()}};
    object.update(findings.json);
    if (!findings.problem.empty()) object["problem"] = findings.problem;
    object["shown"] = findings.shown;
    object["not_shown"] = findings.not_shown;
    print_json(object);
  } else if (findings.problem.empty()) {
    std::string text = "passed\n";
    for (const std::string& line : findings.shown) text += fmt::format("  shown      {}\n", line);
    for (const std::string& line : findings.not_shown)
      text += fmt::format("  not shown  {}\n", line);
    for (const char* key : {"weights", "chain"})
      if (findings.json.contains(key))
        text += fmt::format("{:<8} {}\n", key, findings.json[key].get<std::string>());
    print_text(text);
  }
  finish_output();
}

void verify(Arguments arguments) {
  if (arguments.run.empty() && arguments.receipt.empty())
    fail_usage("give the folder of a run, or --receipt FILE");
  if (arguments.receipt.empty() && !arguments.trusted.empty())
    fail_usage("--trust is for a receipt; give --receipt FILE");
  arguments.range.seed = arguments.seed ? *arguments.seed : std::random_device()();
  Findings findings;
  try {
    check(arguments, findings);
  } catch (const Error& error) {
    // A file that cannot be read is not verified.
    if (error.kind() != ErrorKind::input) throw;
    findings.problem = error.what();
  }
  print(findings, arguments);
  if (!findings.problem.empty()) fail_input("not verified: {}", findings.problem);
}

}  // namespace

void add_verify(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  VerifyOptions& range = arguments->range;
  CLI::App* verb =
      app.add_subcommand("verify", "Replay a training run, or check its receipt, bit by bit");
  verb->add_option("RUN", arguments->run, "The folder of a run; with --receipt also a model");
  CLI::Option* from = verb->add_option("--from", range.from,
                                       "Replay from the newest checkpoint at or before this step "
                                       "(default: the beginning)")
                          ->check(CLI::NonNegativeNumber);
  CLI::Option* to =
      verb->add_option("--to", range.to, "Last step to replay (default: the last logged)")
          ->check(CLI::NonNegativeNumber);
  CLI::Option* windows =
      verb->add_option("--windows", range.windows,
                       "Replay this many stretches at random places instead; 0: replay nothing")
          ->check(CLI::Range(0, 1 << 20))
          ->excludes(from)
          ->excludes(to);
  verb->add_option("--length", range.length, "Steps of a window (default: 10)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 31))
      ->needs(windows);
  verb->add_option("--seed", arguments->seed, "Seed of the places (default: an unforeseeable one)")
      ->needs(windows);
  verb->add_option("--receipt", arguments->receipt, "Check this receipt, and RUN against it");
  verb->add_option("--trust", arguments->trusted,
                   "Accept this signer only: public key, fingerprint or PEM file; may be repeated");
  add_thread_arguments(*verb, arguments->threads);
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { verify(*arguments); });
}

}  // namespace avocado::cli
