#pragma once
// Chooses the next token from logits.
//
// In this order: the mask, forbidden tokens and biases; the stages of SamplerParameters::samplers
// (one file each in samplers/); then one number u in [0, 1) is drawn for the position, and the
// first candidate at which the running sum of exp(logit - best) exceeds u times the whole sum is
// taken (candidates.h has the order of sums). Numbers come from Philox, keyed by seed, position,
// who draws, and how many tokens were forbidden there before; so a choice depends on the answer
// alone, not on what else is computed beside it, and any token of any answer can be drawn again by
// anybody.
//
// Mirostat and adaptive_p remember: their memory is a function of the choices accepted so far, and
// goes back with them.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "infer/candidates.h"
#include "infer/sampler_parameters.h"
#include "infer/samplers/stages.h"
#include "text/tokenizer.h"

namespace avocado {

// What one token is chosen from.
struct SampleInput {
  std::span<const float> logits;     // one per token of the vocabulary
  std::span<const int32_t> history;  // tokens before it, prompt included
  int64_t position = 0;              // of the token in its sequence
  // Tokens that may be chosen: bit i mod 32 of word i / 32. Empty: all.
  std::span<const uint32_t> mask = {};
  // Tokens that may not be, in any order, each once: chosen here before, and taken back.
  std::span<const int32_t> forbidden = {};
};

struct TokenProbability {
  int32_t id = -1;
  float logprob = 0;  // natural logarithm
};

struct Choice {
  int32_t id = -1;  // -1: no token is left
  // With n_probs: the likeliest tokens, best first, and the chosen one, of the softmax of the
  // logits or (post_sampling_probs) of the candidates among which was drawn, then maybe fewer.
  std::vector<TokenProbability> top;
  TokenProbability chosen;
  std::optional<double> observed;  // what mirostat or adaptive_p learn when the choice is accepted
};

class SamplerChain {
 public:
  // `vocab` is the number of logits. `tokenizer` may be absent unless a bias has a text; without it
  // there are no sequence breakers. `ends` are what ignore_eos forbids besides the tokenizer's own.
  // Throws Error(usage) as check_sampler() does, and for ids outside the vocabulary.
  SamplerChain(const SamplerParameters& parameters, int64_t vocab,
               const Tokenizer* tokenizer = nullptr, std::span<const int32_t> ends = {});

  // Changes nothing. Throws Error(input) when a logit is NaN or +infinity, or all are -infinity.
  Choice sample(const SampleInput& input) const;

  // The choice stands: the next one comes after it. One with only an id (a token that was given,
  // not drawn) teaches nothing.
  void accept(const Choice& choice);
  // As if the last `count` accepted choices had not been.
  void rewind(int64_t count);
  int64_t accepted() const { return static_cast<int64_t>(memories_.size()) - 1; }

 private:
  struct Bias {
    int32_t id;
    float bias;
    int64_t first;
  };
  void add_bias(const LogitBias& bias, const Tokenizer* tokenizer);
  bool restrict(Candidates& candidates, const SampleInput& input) const;
  void tell(Choice& choice, const Candidates& candidates, const SampleInput& input) const;

  SamplerParameters parameters_;
  int64_t vocab_;
  const Tokenizer* tokenizer_;
  std::vector<Bias> biases_;                    // by id
  std::vector<const samplers::Stage*> stages_;  // those that do something
  bool adaptive_ = false;                       // ends with adaptive_p
  std::vector<samplers::Memory> memories_;      // before each choice
};

// The same without state, for parameters that need no tokenizer.
int32_t sample(std::span<const float> logits, std::span<const int32_t> history,
               const SamplerParameters& parameters, int64_t position);

// The highest logit, ties by lower id. Errors as sample().
int32_t argmax(std::span<const float> logits);

}  // namespace avocado
