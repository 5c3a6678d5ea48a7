#pragma once
// Texts by a model that is being trained.

#include <string>

#include "text/tokenizer.h"
#include "train/run.h"
#include "train/samples.h"

namespace avocado::cli {

// Throws Error(input) when a prompt leaves no room in the model's context.
void check_samples(const RunOptions& options, const Run& run);

// Continues a prompt by the weights as they are, choosing tokens by options.sample_temperature and
// the seed of the run: the text that `avocado run --raw` would give with them.
TextSample make_sample(Trainer& trainer, const Tokenizer& tokenizer, const std::string& prompt,
                       const RunOptions& options);

}  // namespace avocado::cli
