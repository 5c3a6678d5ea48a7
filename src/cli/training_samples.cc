#include "cli/training_samples.h"

#include "base/error.h"
#include "infer/sampler.h"

namespace avocado::cli {
namespace {

std::vector<int32_t> encode(const Tokenizer& tokenizer, const std::string& prompt) {
  return tokenizer.encode(prompt, {.bos = true, .special = true});
}

}  // namespace

void check_samples(const RunOptions& options, const Run& run) {
  if (options.sample_every == 0) return;
  if (!run.tokenizer()) fail_input("{}: samples need a tokenizer", run.folder());
  for (const std::string& prompt : options.samples) {
    const size_t tokens = encode(*run.tokenizer(), prompt).size();
    if (static_cast<int64_t>(tokens) >= run.config().context)
      fail_input("samples: a prompt of {} tokens leaves no room in the context of {}; shorten it",
                 tokens, run.config().context);
  }
}

TextSample make_sample(Trainer& trainer, const Tokenizer& tokenizer, const std::string& prompt,
                       const RunOptions& options) {
  SamplerParameters parameters;
  parameters.temperature = static_cast<float>(options.sample_temperature);
  parameters.seed = trainer.options().seed;
  SamplerChain chain(parameters, trainer.graph().vocab(), &tokenizer);

  TextSample sample;
  sample.step = trainer.completed_steps();
  sample.prompt = prompt;
  std::vector<int32_t> ids = encode(tokenizer, prompt);
  Utf8Stream characters;
  while (sample.tokens < options.sample_tokens &&
         static_cast<int64_t>(ids.size()) <= trainer.config().context) {
    const std::vector<float> logits = trainer.next_logits(ids);
    const Choice choice = chain.sample(
        {.logits = logits, .history = ids, .position = static_cast<int64_t>(ids.size())});
    sample.ended = choice.id >= 0 && tokenizer.is_end(choice.id);
    if (choice.id < 0 || sample.ended) break;
    chain.accept(choice);
    ids.push_back(choice.id);
    sample.text += characters.push(tokenizer.token_bytes(choice.id));
    ++sample.tokens;
  }
  sample.text += characters.finish();
  return sample;
}

}  // namespace avocado::cli
