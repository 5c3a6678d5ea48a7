// avocado quantize: a model with its weights in fewer bits.

#include "models/quantize.h"

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/threads.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string model, out, type = "q8_0";
  ThreadArguments threads;
  bool json = false;
};

void quantize(const Arguments& arguments) {
  ThreadPool pool = make_pool(arguments.threads);
  const Model model = Model::load(arguments.model, pool, {});
  std::vector<std::vector<float>> values;
  for (const std::vector<double>& weight : model.weights_as_double())
    values.emplace_back(weight.begin(), weight.end());
  std::vector<const float*> weights;
  for (const std::vector<float>& value : values) weights.push_back(value.data());
  save_gguf_q8_0(arguments.out, model.config(), model.graph(), weights, model.tokenizer(),
                 model.chat_template());
  const std::string digest = Model::load(arguments.out, pool, {}).weights_digest();
  const auto bytes = static_cast<uint64_t>(std::filesystem::file_size(arguments.out));
  if (arguments.json)
    print_json({{"model", arguments.out},
                {"type", arguments.type},
                {"bytes", bytes},
                {"weights", digest}});
  else
    print_text(fmt::format("model    {}\nsize     {}\nweights  {}\n", arguments.out,
                           bytes_text(bytes), digest));
  finish_output();
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("quantize", "Write a model with its weights in fewer bits");
  verb->add_option("MODEL", arguments->model, "A GGUF file or a Hugging Face folder")->required();
  verb->add_option("-o,--out", arguments->out, "The GGUF file to write")->required();
  verb->add_option("--type", arguments->type,
                   "Type of the matrices; vectors stay F32: q8_0, 8 bits with a scale per 32")
      ->check(CLI::IsMember({"q8_0"}))
      ->capture_default_str();
  add_thread_arguments(*verb, arguments->threads);
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { quantize(*arguments); });
}

}  // namespace avocado::cli
