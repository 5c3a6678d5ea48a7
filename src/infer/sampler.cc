#include "infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernels/math/math.h"

namespace avocado {
namespace {

void check_logits(std::span<const float> logits) {
  constexpr float kMost = std::numeric_limits<float>::max();
  int bad = 0;  // without a branch, so that the loop becomes vector code
  for (const float x : logits) bad |= static_cast<int>(!(x <= kMost));
  if (bad != 0) {
    const auto at =
        std::find_if(logits.begin(), logits.end(), [](float x) { return !(x <= kMost); });
    fail_input("the model gave {} as the logit of token {}; its weights are damaged",
               std::isnan(*at) ? "NaN" : "infinity", at - logits.begin());
  }
  if (std::all_of(logits.begin(), logits.end(), [](float x) { return x == -INFINITY; }))
    fail_input("the model gave no token a finite logit; its weights are damaged");
}

// Natural logarithm of the probability of a logit.
float log_probability(float logit, float best, double log_total) {
  return static_cast<float>(static_cast<double>(logit - best) - log_total);
}

}  // namespace

SamplerChain::SamplerChain(const SamplerParameters& parameters, int64_t vocab,
                           const Tokenizer* tokenizer, std::span<const int32_t> ends)
    : parameters_(parameters), vocab_(vocab), tokenizer_(tokenizer) {
  check_sampler(parameters_);
  for (const LogitBias& bias : parameters_.logit_bias) add_bias(bias, tokenizer);
  if (parameters_.ignore_eos) {
    if (tokenizer != nullptr)
      for (const int32_t id : tokenizer->ends()) biases_.push_back({id, -INFINITY, -1});
    for (const int32_t id : ends) biases_.push_back({id, -INFINITY, -1});
    std::erase_if(biases_, [vocab](const Bias& b) { return b.id >= vocab; });
  }
  std::stable_sort(biases_.begin(), biases_.end(),
                   [](const Bias& a, const Bias& b) { return a.id < b.id; });

  if (parameters_.mirostat == 0) {
    for (const std::string& name : parameters_.samplers) {
      const samplers::Stage* stage = samplers::find(name);
      if (!stage->active(parameters_)) continue;
      if (stage->run == nullptr)
        adaptive_ = true;
      else
        stages_.push_back(stage);
    }
    // Before the best token is taken, what cannot make another one the best is idle.
    const auto taking = std::find_if(stages_.begin(), stages_.end(), [&](const auto* stage) {
      return stage->name == "temperature" && parameters_.temperature == 0 &&
             parameters_.dynatemp_range == 0;
    });
    auto idle = taking;
    while (taking != stages_.end() && idle != stages_.begin() && idle[-1]->keeps_best) --idle;
    stages_.erase(idle, taking);
  }
  memories_.push_back(parameters_.mirostat != 0 ? samplers::mirostat_memory(parameters_)
                                                : samplers::adaptive_p_memory(parameters_));
}

void SamplerChain::add_bias(const LogitBias& bias, const Tokenizer* tokenizer) {
  std::vector<int32_t> ids = {bias.id};
  if (bias.id < 0) {
    if (tokenizer == nullptr)
      fail_usage("logit-bias \"{}\" is a text, and the model has no tokenizer; give a token id",
                 bias.text);
    ids = tokenizer->encode(bias.text, {.special = true});
  }
  for (const int32_t id : ids) {
    if (id >= vocab_)
      fail_usage("logit-bias has token id {}, which is outside the vocabulary of {}", id, vocab_);
    biases_.push_back({id, bias.bias, bias.first});
  }
}

// Mask, forbidden tokens and biases. False when no candidate is left.
bool SamplerChain::restrict(Candidates& candidates, const SampleInput& input) const {
  if (!input.mask.empty()) {
    if (static_cast<int64_t>(input.mask.size()) < (vocab_ + 31) / 32)
      fail_usage("the mask has {} words, but {} tokens need {}", input.mask.size(), vocab_,
                 (vocab_ + 31) / 32);
    candidates.apply_mask(input.mask);
  }
  std::vector<int32_t> forbidden(input.forbidden.begin(), input.forbidden.end());
  std::sort(forbidden.begin(), forbidden.end());
  candidates.change(forbidden, [](size_t, float) { return -INFINITY; });

  // The biases that hold, one per token. -infinity wins over all, +infinity over the rest.
  std::vector<int32_t> ids;
  std::vector<float> sums;
  for (const Bias& b : biases_) {
    if (b.first >= 0 && accepted() >= b.first) continue;
    if (ids.empty() || ids.back() != b.id) {
      ids.push_back(b.id);
      sums.push_back(b.bias);
    } else if (sums.back() != -INFINITY) {
      sums.back() = b.bias == -INFINITY ? b.bias : sums.back() + b.bias;
    }
  }
  std::vector<Candidate> only;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (sums[i] != INFINITY) continue;
    const float logit = candidates.logit(ids[i]);
    if (logit != -INFINITY) only.push_back({ids[i], logit});
  }
  if (!only.empty()) {
    std::sort(only.begin(), only.end(), better);
    candidates.replace(std::move(only));
  }
  constexpr float kMost = std::numeric_limits<float>::max();
  candidates.change(ids, [&](size_t i, float logit) {
    if (sums[i] == -INFINITY) return -INFINITY;
    return sums[i] == INFINITY ? logit : std::clamp(logit + sums[i], -kMost, kMost);
  });
  return !candidates.empty();
}

Choice SamplerChain::sample(const SampleInput& input) const {
  if (static_cast<int64_t>(input.logits.size()) != vocab_)
    fail_usage("{} logits were given for a vocabulary of {}", input.logits.size(), vocab_);
  check_logits(input.logits);
  Candidates candidates(input.logits);
  Choice choice;
  const bool restricted = !input.mask.empty() || !input.forbidden.empty() || !biases_.empty();
  if (restricted && !restrict(candidates, input)) return choice;

  const samplers::Context context{parameters_, tokenizer_, input.history, input.position,
                                  static_cast<uint32_t>(input.forbidden.size())};
  for (const samplers::Stage* stage : stages_) stage->run(candidates, context);
  if (parameters_.mirostat != 0) {
    samplers::divide_by_temperature(candidates, parameters_.temperature);
    const auto drawn = samplers::mirostat(candidates, context, memories_.back(), vocab_);
    choice.id = drawn.token.id;
    choice.observed = drawn.observed;
  } else if (adaptive_) {
    const auto drawn = samplers::adaptive_p(candidates, context, memories_.back());
    choice.id = drawn.token.id;
    choice.observed = drawn.observed;
  } else {
    choice.id = candidates.draw(static_cast<double>(context.uniform(samplers::kDraw))).id;
  }
  if (parameters_.n_probs > 0) tell(choice, candidates, input);
  return choice;
}

void SamplerChain::tell(Choice& choice, const Candidates& candidates,
                        const SampleInput& input) const {
  const auto tell_from = [&](const Candidates& from) {
    const float best = from.best();
    const double log_total = kernels::log(from.total());
    choice.chosen = {choice.id, log_probability(from.logit(choice.id), best, log_total)};
    std::vector<Candidate> items = from.best_of(parameters_.n_probs);
    for (const Candidate& c : items)
      choice.top.push_back({c.id, log_probability(c.logit, best, log_total)});
  };
  if (parameters_.post_sampling_probs)
    tell_from(candidates);
  else
    tell_from(Candidates(input.logits));
}

void SamplerChain::accept(const Choice& choice) {
  samplers::Memory memory = memories_.back();
  if (choice.observed)
    memory = parameters_.mirostat != 0
                 ? samplers::mirostat_learn(parameters_, memory, *choice.observed)
                 : samplers::adaptive_p_learn(parameters_, memory, *choice.observed);
  memories_.push_back(memory);
}

void SamplerChain::rewind(int64_t count) {
  if (count < 0 || count > accepted())
    fail_usage("{} choices cannot be taken back; {} were accepted", count, accepted());
  memories_.resize(memories_.size() - static_cast<size_t>(count));
}

int32_t sample(std::span<const float> logits, std::span<const int32_t> history,
               const SamplerParameters& parameters, int64_t position) {
  return SamplerChain(parameters, static_cast<int64_t>(logits.size()))
      .sample({logits, history, position})
      .id;
}

int32_t argmax(std::span<const float> logits) {
  check_logits(logits);
  return Candidates(logits).best_of(1)[0].id;
}

}  // namespace avocado
