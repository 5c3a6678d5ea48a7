// avocado demo: watch a small Llama being born, then ask it what it never saw.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/own_template.h"
#include "cli/demo_recipe.h"
#include "cli/exam.h"
#include "cli/inference.h"
#include "cli/progress.h"
#include "cli/threads.h"
#include "cli/verbs.h"
#include "kernels/isa.h"
#include "models/model.h"

namespace avocado::cli {
namespace {

struct Arguments {
  ThreadArguments threads;
  bool quick = false;
  bool json = false;
  std::string out = "avocado-demo.gguf";
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void demo(const Arguments& arguments) {
  const DemoRecipe& recipe = arguments.quick ? quick_demo() : full_demo();
  ThreadPool pool = make_pool(arguments.threads);
  // Everything but the result goes to standard error.
  const auto say = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };

  const std::unique_ptr<Tokenizer> tokenizer = demo_tokenizer(recipe);
  const Dataset data =
      Dataset::pack(demo_documents(recipe, *tokenizer), recipe.row_tokens, recipe.model.vocab);
  Trainer trainer(recipe.model, recipe.train, data, pool);
  say(fmt::format(
      "A Llama of {:.2f} million parameters ({} layers of width {}, {} tokens in its vocabulary),\n"
      "{} questions to learn from; {} threads, {}.",
      static_cast<double>(trainer.graph().parameter_count()) / 1e6, recipe.model.layers,
      recipe.model.width, recipe.model.vocab, recipe.items, pool.threads(),
      kernels::isa_name(kernels::active_isa())));

  const auto start = std::chrono::steady_clock::now();
  Progress progress(recipe.train.steps, 0);
  std::vector<double> losses;
  while (!trainer.finished()) {
    const StepResult result = trainer.step();
    losses.push_back(result.loss);
    progress.step(result.step, result.loss, result.inputs);
  }
  progress.finish();
  const double train_seconds = seconds_since(start);
  fmt::print(stderr, "\nThe loss, step by step:\n{}",
             draw_curve(losses, std::min(terminal_width(), 100), 10));

  save_gguf(arguments.out, recipe.model, trainer.graph(), trainer.weights(), tokenizer.get(),
            std::string(kOwnTemplate));
  // The questions go to the file that was written, as anybody would load it.
  const Model model = Model::load(arguments.out, pool);
  const std::string digest = model.weights_digest();
  say(fmt::format(
      "Trained in {:.0f} s and written to {}. Now {} questions it never saw:", train_seconds,
      arguments.out, corpus::tasks(corpus::Mixture::demo).size() * 2 * recipe.questions));
  const Exam exam = hold_exam(corpus::Mixture::demo, recipe.questions, kDemoCorpusSeed, model, pool,
                              arguments.out);
  const bool equal = digest == recipe.recorded;

  if (arguments.json) {
    print_json({{"demo", recipe.name},
                {"model", arguments.out},
                {"steps", recipe.train.steps},
                {"train_seconds", train_seconds},
                {"loss", losses.back()},
                {"weights", digest},
                {"recorded", recipe.recorded},
                {"equal", equal},
                {"scores", to_json(exam.scores)}});
  } else {
    print_text(example_text(exam.examples) + "\n" + score_table(exam.scores));
    print_text(fmt::format("\nweights   {}\nrecorded  {}\n{}\n", digest, recipe.recorded,
                           equal ? "Equal to the bit: this machine gave the one answer."
                                 : "NOT equal: this build or machine breaks the promise of the "
                                   "same bits. Please report it, with `avocado doctor`."));
    print_text(fmt::format("\nTalk to it:  avocado run {}\n", arguments.out));
  }
  finish_output();
  if (!equal) throw Error(ErrorKind::input, "the weights are not the recorded ones");
}

}  // namespace

void add_demo(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb =
      app.add_subcommand("demo", "Train a small Llama here and now, and ask it what it never saw");
  add_thread_arguments(*verb, arguments->threads);
  verb->add_flag("--quick", arguments->quick,
                 "A much shorter run, for slow machines: the bits count, the answers do not");
  verb->add_option("--out", arguments->out, "The GGUF file to write")->capture_default_str();
  verb->add_flag("--json", arguments->json, "Print one JSON object at the end");
  verb->callback([arguments] { demo(*arguments); });
}

}  // namespace avocado::cli
