#pragma once
// The flags that say how tokens are guessed ahead, and what guesses them.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cli/inference.h"
#include "infer/speculation.h"

namespace avocado::cli {

struct DraftArguments {
  std::string method = "auto";  // "auto", "model", "suffix" or "none"
  std::string model;            // empty: none
  size_t most = SpeculationOptions{}.most;
};

void add_draft_arguments(CLI::App& verb, DraftArguments& arguments);

// The draft model, loaded as the model itself was, and all that guesses.
class Drafting {
 public:
  // `tokenizer` must outlive it. Throws Error(usage) when the flags contradict each other.
  Drafting(const DraftArguments& arguments, const InferenceArguments& inference,
           const Tokenizer& tokenizer);

  // What guesses for answers that are drawn with these parameters, until the next call; null:
  // nothing. Throws Error(usage) when the vocabularies differ.
  Speculation* speculation(const SamplerParameters& sampling);

 private:
  const DraftArguments arguments_;
  const Tokenizer& tokenizer_;
  InferenceArguments draft_;
  std::optional<LoadedModel> model_;
  std::optional<Engine> engine_;
  std::optional<Speculation> speculation_;
};

}  // namespace avocado::cli
