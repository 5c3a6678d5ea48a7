#include "cli/drafting.h"

#include <algorithm>

#include "base/error.h"

namespace avocado::cli {

void add_draft_arguments(CLI::App& verb, DraftArguments& arguments) {
  const char* group = "Guessing ahead (the answer stays the same)";
  CLI::Option* method =
      verb.add_option("--draft", arguments.method,
                      "What guesses: a smaller model, the text itself (suffix), whichever pays at "
                      "the moment (auto), or nothing")
          ->check(CLI::IsMember({"auto", "model", "suffix", "none"}))
          ->capture_default_str()
          ->group(group);
  CLI::Option* model = verb.add_option("--model-draft", arguments.model,
                                       "A smaller model of the same vocabulary that guesses tokens")
                           ->group(group);
  verb.add_option("--draft-max", arguments.most, "Most tokens guessed at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group(group);
  verb.add_flag_callback(
          "--no-draft", [&arguments] { arguments.method = "none"; }, "The same as --draft none")
      ->excludes(method)
      ->excludes(model)
      ->group(group);
}

Drafting::Drafting(const DraftArguments& arguments, const InferenceArguments& inference,
                   const Tokenizer& tokenizer)
    : arguments_(arguments), tokenizer_(tokenizer), draft_(inference) {
  const bool named = !arguments.model.empty(), wanted = arguments.method == "model";
  if (wanted && !named) fail_usage("--draft model needs a model: --model-draft MODEL");
  if (named && !wanted && arguments.method != "auto")
    fail_usage("--draft {} asks no model; leave out --model-draft, or choose auto or model",
               arguments.method);
  if (!named) return;
  draft_.model = arguments.model;
  draft_.rope = {};
  draft_.lora = {};
  model_.emplace(draft_);
  engine_.emplace(model_->engine(std::min(inference.context, model_->model().config().context)));
}

Speculation* Drafting::speculation(const SamplerParameters& sampling) {
  if (arguments_.method == "none") return nullptr;
  speculation_.emplace(SpeculationOptions{.most = arguments_.most});
  if (arguments_.method != "model") speculation_->add("suffix", suffix_drafter());
  if (engine_) speculation_->add("model", model_drafter(*engine_, tokenizer_, sampling));
  return &*speculation_;
}

}  // namespace avocado::cli
