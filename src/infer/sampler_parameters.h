#pragma once
// What a request may ask of the choice of its tokens. Names, defaults and meanings are llama.cpp's.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace avocado {

// Added to the logit of a token. -infinity forbids it. +infinity: only such tokens may be chosen,
// by their own logits (unless a mask forbids them all; then it says nothing).
struct LogitBias {
  int32_t id = -1;     // of the token; -1: those of `text`
  std::string text;    // each of its tokens gets the bias, as it is cut when it stands alone
  float bias = 0;      // from -1e6 to 1e6, or infinite
  int64_t first = -1;  // holds for the first so many tokens of the answer; -1: for all
};

struct SamplerParameters {
  // The stages, in their order. One that is not named does not run.
  std::vector<std::string> samplers = {"penalties", "dry",   "top_n_sigma", "top_k",      "typ_p",
                                       "top_p",     "min_p", "xtc",         "temperature"};
  uint64_t seed = 0;
  int32_t min_keep = 0;  // typ_p, top_p, min_p and xtc leave at least so many tokens

  float temperature = 0.8f;     // 0: the best token
  float dynatemp_range = 0;     // the temperature moves by so much either way with the entropy
  float dynatemp_exponent = 1;  // of the entropy's share of the greatest one
  int32_t top_k = 40;           // keep the k best; 0: all
  float top_p = 0.95f;          // keep the best whose probabilities reach p; 1: all
  float min_p = 0.05f;          // keep those at least p times as likely as the best; 0: all
  float typical_p = 1;          // keep the most typical whose probabilities exceed p; 1: all
  float top_n_sigma = -1;       // keep logits within n standard deviations of the best; <= 0: all
  float xtc_probability = 0;    // chance that the likeliest are dropped
  float xtc_threshold = 0.1f;   // all but the last of those at least so likely; above 0.5: off

  int32_t repeat_last_n = 64;   // tokens before this one that are penalized; -1: all, 0: none
  float repeat_penalty = 1;     // a positive logit is divided, a negative one multiplied; 1: off
  float frequency_penalty = 0;  // subtracted once per occurrence
  float presence_penalty = 0;   // subtracted once
  float dry_multiplier = 0;     // penalty of a token that would go on with a repetition; 0: off
  float dry_base = 1.75f;       // it grows by this factor with each token that the repetition has
  int32_t dry_allowed_length = 2;   // beyond these
  int32_t dry_penalty_last_n = 64;  // tokens in which repetitions are sought; -1: all, 0: none
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};  // end a repetition

  int32_t mirostat = 0;       // 1 or 2: `samplers` is not used, only temperature and mirostat
  float mirostat_tau = 5;     // the surprise to aim at, in bits
  float mirostat_eta = 0.1f;  // how fast it learns
  // The stage adaptive_p; wherever it stands in `samplers`, it comes last.
  float adaptive_target = -1;   // the probability to aim at; negative: off
  float adaptive_decay = 0.9f;  // how much of its memory it keeps per token

  std::vector<LogitBias> logit_bias;  // before all stages; those of a token add up
  bool ignore_eos = false;            // tokens that end an answer are forbidden

  int32_t n_probs = 0;               // so many of the likeliest tokens are told for each choice
  bool post_sampling_probs = false;  // after the stages; otherwise the softmax of the logits
};

// Throws Error(usage) naming the parameter that makes no sense, and its range.
void check_sampler(const SamplerParameters& parameters);

// "top_k;temperature" and llama.cpp's letters "kt" for the same; spellings such as "top-k" and
// "temp" are understood. Throws Error(usage) with the names there are.
std::vector<std::string> parse_samplers(std::string_view list);
std::vector<std::string> parse_sampler_letters(std::string_view letters);

// TOKEN(+|-)BIAS[:FIRST], e.g. 15043-inf, " Hello"+1.5 or 13-5:20. TOKEN is an id, or else a text;
// in double quotes it is always a text. Throws Error(usage) with an example.
LogitBias parse_logit_bias(std::string_view argument);

}  // namespace avocado
