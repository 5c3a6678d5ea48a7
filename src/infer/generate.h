#pragma once
// Prompt in, answer out: the loop of forward and sample.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "infer/engine.h"
#include "infer/sampler.h"

namespace avocado {

enum class StopReason { end_token, max_tokens, context_full, interrupted };
const char* stop_reason_name(StopReason reason);  // "end", "length", "context", "interrupted"

struct GenerateOptions {
  int64_t max_tokens = -1;  // -1: until the model ends or the context is full
  SamplerParameters sampling;
  std::vector<int32_t> ends;  // tokens that end the answer, besides the tokenizer's own
  bool stop_at_ends = true;
};

struct Completion {
  std::vector<int32_t> ids;  // without the token that ended it
  StopReason stop = StopReason::max_tokens;
};

// How a generation reports; any of them may be empty.
struct GenerateHooks {
  std::function<void(const std::string&)>
      text;                           // pieces of whole UTF-8 characters; needs a tokenizer
  std::function<bool()> interrupted;  // asked between steps
  std::function<void()> prompt_done;  // the first token is about to be chosen
};

// Continues `prompt` in `sequence`. What the sequence already holds of the prompt's beginning is
// reused (the answer is the same to the bit), the rest is forgotten. A token is drawn at the
// position it takes. Throws Error(usage) when the prompt is empty or longer than the context.
Completion generate(Engine& engine, SequenceId sequence, std::span<const int32_t> prompt,
                    const GenerateOptions& options, const GenerateHooks& hooks = {});

// Every prompt on its own, up to `batch` at a time: element i equals what generate() gives for
// prompt i alone, to the bit.
std::vector<Completion> generate_batch(Engine& engine,
                                       const std::vector<std::vector<int32_t>>& prompts,
                                       const GenerateOptions& options, int64_t batch = 64);

}  // namespace avocado
