// avocado demo: watch a small Llama being born, then ask it what it never saw.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/own_template.h"
#include "cli/demo_recipe.h"
#include "cli/inference.h"
#include "cli/progress.h"
#include "cli/threads.h"
#include "cli/verbs.h"
#include "infer/chat_model.h"
#include "infer/engine.h"
#include "infer/generate.h"
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

struct Score {
  std::string task, language;
  int64_t right = 0, asked = 0;
  double chance = 0;
};

struct Example {
  std::string question, answer;
  bool right = false;
};

// Asks the held-out questions of every task, all of a task and language in one batch.
std::vector<Score> ask(const DemoRecipe& recipe, const Model& model, ThreadPool& pool,
                       std::vector<Example>& examples) {
  Engine engine(model, pool);
  const Tokenizer& tokenizer = *model.tokenizer();
  const ChatModel chat(tokenizer, model.chat_template(), "demo");
  GenerateOptions options;
  options.max_tokens = 120;
  options.sampling.temperature = 0;
  std::vector<Score> scores;
  for (const corpus::TaskInfo& task : corpus::tasks()) {
    for (corpus::Language language : corpus::kLanguages) {
      const std::vector<corpus::Item> items = demo_questions(recipe, task.name, language);
      std::vector<GenerateRequest> requests;
      for (const corpus::Item& item : items) {
        ChatRequest request;
        request.conversation = {{"messages", {{{"role", "user"}, {"content", item.question}}}}};
        PreparedChat prepared = chat.prepare(std::move(request), options);
        requests.push_back({std::move(prepared.prompt), std::move(prepared.options)});
      }
      const std::vector<Completion> replies = generate_batch(engine, requests);
      Score score{.task = std::string(task.name),
                  .language = std::string(corpus::language_name(language)),
                  .asked = static_cast<int64_t>(items.size()),
                  .chance = corpus::chance(items)};
      for (size_t i = 0; i < items.size(); ++i) {
        const std::string reply = tokenizer.decode(replies[i].ids);
        const bool right = corpus::check(items[i], reply);
        score.right += right;
        if (i == 0) examples.push_back({items[i].question, reply, right});
      }
      scores.push_back(score);
    }
  }
  return scores;
}

// Rows of the score table: a task, a language, right of asked, beside chance.
std::string score_table(const std::vector<Score>& scores) {
  std::string text =
      fmt::format("{:<10} {:<4} {:>10} {:>8} {:>8}\n", "task", "", "right", "score", "chance");
  int64_t right = 0, asked = 0;
  double chance = 0;
  const auto row = [&](std::string_view task, std::string_view language, int64_t r, int64_t n,
                       double by_chance) {
    text += fmt::format("{:<10} {:<4} {:>10} {:>6.1f} % {:>6.1f} %\n", task, language,
                        fmt::format("{}/{}", r, n),
                        100.0 * static_cast<double>(r) / static_cast<double>(n), 100.0 * by_chance);
  };
  for (const Score& s : scores) {
    row(s.task, s.language, s.right, s.asked, s.chance);
    right += s.right;
    asked += s.asked;
    chance += s.chance * static_cast<double>(s.asked);
  }
  row("all", "", right, asked, chance / static_cast<double>(asked));
  return text;
}

nlohmann::ordered_json to_json(const std::vector<Score>& scores) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Score& s : scores)
    list.push_back({{"task", s.task},
                    {"language", s.language},
                    {"right", s.right},
                    {"asked", s.asked},
                    {"chance", s.chance}});
  return list;
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
  say(fmt::format("Trained in {:.0f} s and written to {}. Now {} questions it never saw:",
                  train_seconds, arguments.out, corpus::tasks().size() * 2 * recipe.questions));
  std::vector<Example> examples;
  const std::vector<Score> scores = ask(recipe, model, pool, examples);
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
                {"scores", to_json(scores)}});
  } else {
    for (const Example& e : examples)
      print_text(fmt::format("\n  > {}\n    {}  {}\n", e.question, e.answer,
                             e.right ? "(right)" : "(wrong)"));
    print_text("\n" + score_table(scores));
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
