// avocado corpus: writes the corpus as training data, or asks a model what was held out of it.

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/exam.h"
#include "cli/inference.h"
#include "cli/threads.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string set = "nano";
  std::string out, ask;
  uint64_t documents = 100000, questions = 32, seed = 1;
  ThreadArguments threads;
  bool held_out = false, json = false;
};

void write_documents(const Arguments& arguments, corpus::Mixture mixture) {
  const corpus::Split split = arguments.held_out ? corpus::Split::held_out : corpus::Split::train;
  AtomicFile file(arguments.out);
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < arguments.documents; ++i) {
    corpus::Item item = corpus::mixed_item(mixture, split, i, arguments.seed);
    item.before.push_back({"user", std::move(item.question)});
    item.before.push_back({"assistant", std::move(item.answer)});
    nlohmann::ordered_json messages = nlohmann::ordered_json::array();
    for (const corpus::Turn& turn : item.before)
      messages.push_back({{"role", turn.role}, {"content", turn.content}});
    const std::string line = nlohmann::ordered_json({{"messages", messages}}).dump() + "\n";
    bytes += line.size();
    file.write(line);
  }
  file.commit();
  if (arguments.json)
    print_json({{"set", arguments.set},
                {"file", arguments.out},
                {"documents", arguments.documents},
                {"bytes", bytes}});
  else
    print_text(
        fmt::format("{} documents, {} bytes in {}\n", arguments.documents, bytes, arguments.out));
}

void ask_model(const Arguments& arguments, corpus::Mixture mixture) {
  ThreadPool pool = make_pool(arguments.threads);
  const Model model = Model::load(arguments.ask, pool);
  if (!model.tokenizer() || model.chat_template().empty())
    fail_input("{}: has no chat template; the questions of the corpus are conversations",
               arguments.ask);
  const Exam exam =
      hold_exam(mixture, arguments.questions, arguments.seed, model, pool, arguments.ask);
  if (arguments.json)
    print_json(
        {{"set", arguments.set}, {"model", arguments.ask}, {"scores", to_json(exam.scores)}});
  else
    print_text(example_text(exam.examples) + "\n" + score_table(exam.scores));
}

void run(const Arguments& arguments) {
  const corpus::Mixture mixture =
      arguments.set == "demo" ? corpus::Mixture::demo : corpus::Mixture::nano;
  if (arguments.out.empty() == arguments.ask.empty())
    fail_usage("give either --out FILE to write the corpus, or --ask MODEL to question a model");
  if (arguments.ask.empty())
    write_documents(arguments, mixture);
  else
    ask_model(arguments, mixture);
  finish_output();
}

}  // namespace

void add_corpus(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand(
      "corpus", "Write avocado's own training texts, or ask a model what it was not shown");
  verb->add_option("--set", arguments->set, "demo or nano, the wider one")
      ->check(CLI::IsMember({"demo", "nano"}))
      ->capture_default_str();
  verb->add_option("-o,--out", arguments->out, "The .jsonl file to write");
  verb->add_option("--documents", arguments->documents, "Conversations to write")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32))
      ->capture_default_str();
  verb->add_flag("--held-out", arguments->held_out, "Write those that training never shows");
  verb->add_option("--seed", arguments->seed, "Of everything that is drawn")->capture_default_str();
  verb->add_option("--ask", arguments->ask, "A model to be asked held-out questions");
  verb->add_option("--questions", arguments->questions, "Questions of each task and language")
      ->check(CLI::Range(uint64_t{1}, uint64_t{100000}))
      ->capture_default_str();
  add_thread_arguments(*verb, arguments->threads);
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { run(*arguments); });
}

}  // namespace avocado::cli
