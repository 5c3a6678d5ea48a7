// avocado merge: one model of a model and its adapters.

#include "models/merge.h"

#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/lora.h"
#include "cli/threads.h"
#include "cli/verbs.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string base, out, type;
  std::vector<std::string> adapters;
  ThreadArguments threads;
  bool json = false;
};

const std::map<std::string, DType> kTypes = {
    {"f32", DType::f32}, {"f16", DType::f16}, {"bf16", DType::bf16}};

void merge(const Arguments& arguments) {
  ThreadPool pool = make_pool(arguments.threads);
  const Model model = Model::load(arguments.base, pool, {});
  std::optional<DType> type;
  if (!arguments.type.empty()) type = kTypes.at(arguments.type);
  merge_adapters(model, load_adapters(arguments.adapters, model), type, arguments.out, pool);
  const std::string digest = Model::load(arguments.out, pool, {}).weights_digest();
  if (arguments.json)
    print_json({{"model", arguments.out}, {"weights", digest}});
  else
    print_text(fmt::format("model    {}\nweights  {}\n", arguments.out, digest));
  finish_output();
}

}  // namespace

void add_merge(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("merge", "Make one model of a model and its adapters");
  verb->add_option("BASE", arguments->base, "A GGUF file or a Hugging Face folder")->required();
  verb->add_option("ADAPTER", arguments->adapters,
                   "FILE[:SCALE], a GGUF file or a PEFT folder; several are merged in their order")
      ->required();
  verb->add_option("-o,--out", arguments->out, "The GGUF file to write")->required();
  verb->add_option(
          "--type", arguments->type,
          "Type of the matrices that change: f32, f16 or bf16 (default: their own; f16 for "
          "matrices in blocks, which are not put into blocks again)")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}));
  add_thread_arguments(*verb, arguments->threads);
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { merge(*arguments); });
}

}  // namespace avocado::cli
