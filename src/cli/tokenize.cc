// avocado tokenize: the tokens of a text.

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/inference.h"
#include "cli/input.h"
#include "cli/verbs.h"
#include "files/gguf.h"
#include "files/printable.h"
#include "text/tokenizer.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string model, file = "-";
  bool ids = false, special = false, bos = false, json = false;
};

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& path) {
  if (std::filesystem::is_directory(path) || path.ends_with(".json"))
    return Tokenizer::from_huggingface(path);
  return Tokenizer::from_gguf(GgufFile::open(path));
}

void tokenize(const Arguments& arguments) {
  const auto tokenizer = load_tokenizer(arguments.model);
  const std::string text = read_bytes(arguments.file);
  const auto ids = tokenizer->encode(text, {.bos = arguments.bos, .special = arguments.special});
  const auto spelled = [&](int32_t id) { return tokenizer->token_bytes(id, true); };
  if (arguments.json) {
    nlohmann::json tokens = nlohmann::json::array();
    for (int32_t id : ids) tokens.push_back(spelled(id));
    print_json({{"count", ids.size()}, {"ids", ids}, {"tokens", std::move(tokens)}});
  } else if (arguments.ids) {
    print_text(fmt::format("{}\n", fmt::join(ids, " ")));
  } else {
    for (int32_t id : ids) print_text(fmt::format("{:>8}  {}\n", id, printable(spelled(id))));
  }
  finish_output();
}

}  // namespace

void add_tokenize(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("tokenize", "Print the tokens of a text");
  verb->add_option("MODEL", arguments->model,
                   "A GGUF file, a Hugging Face folder or a tokenizer.json")
      ->required();
  verb->add_option("FILE", arguments->file,
                   "Its bytes are taken as they are; - or nothing is standard input");
  verb->add_flag("--ids", arguments->ids, "Print the ids on one line");
  verb->add_flag("--special", arguments->special,
                 "Text that spells a special token is that token, not plain text");
  verb->add_flag("--bos", arguments->bos,
                 "Add the tokens that the model's tokenizer puts around a text");
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->callback([arguments] { tokenize(*arguments); });
}

}  // namespace avocado::cli
