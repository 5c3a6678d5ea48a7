#include <algorithm>
#include <csignal>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/verbs.h"

namespace {

struct Verb {
  void (*add)(CLI::App&);
  const char* example;
};

using namespace avocado::cli;

const std::vector<Verb> kVerbs = {
    {add_demo, "avocado demo --threads 2"},
    {add_corpus, "avocado corpus --set nano --out nano.jsonl --documents 1000"},
    {add_train, "avocado train run.toml --out runs/first"},
    {add_verify, "avocado verify runs/first --from 100 --to 200"},
    {add_merge, "avocado merge base.gguf runs/first/adapter.gguf -o merged.gguf"},
    {add_report, "avocado report runs/first -o first.html"},
    {add_receipt, "avocado receipt runs/first --key key.pem -o receipt.json"},
    {add_quantize, "avocado quantize runs/first/final.gguf -o first-q8_0.gguf"},
    {add_run, "avocado run avocado-demo.gguf \"What is 47 + 38?\""},
    {add_show, "avocado show avocado-demo.gguf --tensors"},
    {add_tokenize, "echo hello | avocado tokenize avocado-demo.gguf --ids"},
    {add_template, "avocado template avocado-demo.gguf conversation.json"},
    {add_logits, "avocado logits avocado-demo.gguf --text hello --digest"},
    {add_perplexity, "avocado perplexity avocado-demo.gguf notes.txt --ctx 256"},
    {add_bench, "avocado bench avocado-demo.gguf -p 128 -n 32 -r 2"},
    {add_cache, "avocado cache verify"},
    {add_doctor, "avocado doctor --json"},
};

void add_verbs(CLI::App& app) {
  for (const Verb& verb : kVerbs) {
    verb.add(app);
    CLI::App* added = app.get_subcommands({}).back();
    const std::string footer = added->get_footer();
    added->footer((footer.empty() ? "" : footer + "\n\n") + "Example:\n  " + verb.example);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Avocado: train, run and check Llama-family models. One answer, the same bits everywhere.",
      "avocado");
  app.set_version_flag("--version", AVOCADO_VERSION);
  app.require_subcommand(1);
  add_verbs(app);
  // A file above the size limit is then an error of write(), with a message, and not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    // llama.cpp's -ctk and -ctv; CLI11 would take them for three flags of one letter.
    std::vector<std::string> arguments(argv + 1, argv + argc);
    for (std::string& a : arguments)
      if (a == "-ctk" || a == "-ctv") a.insert(0, 1, '-');
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(std::move(arguments));
    return 0;
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    return report_failure(error);
  }
}
