// avocado logits: the numbers a model gives for every token of a prompt.

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/sha256.h"
#include "cli/inference.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

struct Arguments : InferenceArguments {
  std::optional<std::string> text;
  std::vector<int32_t> ids;
  std::string out;
  bool digest = false;
};

constexpr size_t kTop = 5;

struct Top {
  int32_t id;
  float logit;
};

std::vector<Top> top_of(std::span<const float> logits) {
  std::vector<Top> top;
  for (size_t i = 0; i < logits.size(); ++i) top.push_back({static_cast<int32_t>(i), logits[i]});
  const auto end = top.begin() + static_cast<int64_t>(std::min(kTop, top.size()));
  std::partial_sort(top.begin(), end, top.end(), [](const Top& a, const Top& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  });
  top.erase(end, top.end());
  return top;
}

std::string spelling(const Tokenizer* tokenizer, int32_t id) {
  if (tokenizer == nullptr || id >= tokenizer->vocab_size()) return "";
  return tokenizer->token_bytes(id, true);
}

void logits(const Arguments& arguments) {
  LoadedModel loaded(arguments);
  std::vector<int32_t> ids = arguments.ids;
  if (arguments.text) ids = loaded.tokenizer().encode(*arguments.text, {.bos = true});
  if (ids.empty()) fail_usage("the prompt has no tokens; give some --text or --ids");

  Engine engine = loaded.engine(0);
  engine.check_fits(static_cast<int64_t>(ids.size()));
  std::optional<AtomicFile> file;
  if (!arguments.out.empty()) file.emplace(arguments.out);
  Sha256 hash;
  std::vector<float> last;
  const bool every_row = file || arguments.digest;
  const Engine::Input input{engine.create(), ids, every_row ? Want::all : Want::last};
  engine.forward({&input, 1}, [&](const LogitRows& rows) {
    const std::span<const float> values(rows.data, rows.count * rows.vocab);
    if (arguments.digest) hash.update_array(values);
    if (file) file->write(std::as_bytes(values));
    const std::span<const float> row = rows.row(rows.count - 1);
    last.assign(row.begin(), row.end());
  });
  if (file) file->commit();
  const std::string digest = arguments.digest ? hash.hex() : "";

  const Tokenizer* tokenizer = loaded.model().tokenizer();
  if (arguments.json) {
    nlohmann::json object = {{"tokens", ids.size()}, {"vocab", engine.vocab()}, {"ids", ids}};
    if (arguments.digest) object["digest"] = digest;
    if (file) object["out"] = arguments.out;
    for (const Top& top : top_of(last)) {
      object["top"].push_back(
          {{"id", top.id}, {"text", spelling(tokenizer, top.id)}, {"logit", top.logit}});
    }
    print_json(object);
  } else if (arguments.digest) {
    print_text(digest + "\n");
  } else if (!file) {
    print_text(fmt::format("{} tokens; the likeliest after the last:\n", ids.size()));
    for (const Top& top : top_of(last)) {
      print_text(fmt::format("{:>8} {:>12.6f}  {}\n", top.id, top.logit,
                             printable(spelling(tokenizer, top.id))));
    }
  }
  finish_output();
}

}  // namespace

void add_logits(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("logits", "Print or write what a model gives for a prompt");
  add_inference_arguments(*verb, *arguments);
  CLI::Option_group* prompt = verb->add_option_group("prompt");
  prompt->add_option("--text", arguments->text,
                     "Text; the tokens that the model's tokenizer puts around a text are added");
  prompt->add_option("--ids", arguments->ids, "Token ids, separated by commas, taken as they are")
      ->delimiter(',');
  prompt->require_option(1);
  verb->add_option("--out", arguments->out,
                   "Write one row of vocabulary size per token: raw little-endian float32");
  verb->add_flag("--digest", arguments->digest, "Print the SHA-256 of these bytes");
  verb->footer("With neither --out nor --digest the five likeliest next tokens are printed.");
  verb->callback([arguments] { logits(*arguments); });
}

}  // namespace avocado::cli
