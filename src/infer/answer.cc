#include "infer/answer.h"

#include <algorithm>

#include "base/error.h"

namespace avocado {

Answer::Answer(const Engine& engine, std::span<const int32_t> prompt,
               const GenerateOptions& options)
    : engine_(&engine),
      options_(&options),
      prompt_size_(prompt.size()),
      tokens_(prompt.begin(), prompt.end()),
      chain_(options.sampling, engine.vocab(), engine.model().tokenizer(), options.ends),
      text_(engine.model().tokenizer(), prompt, options.stop_strings, options.banned_strings) {
  if (options.max_tokens < -1) {
    fail_usage("at most {} tokens were asked for; it must be -1 (no limit) or more",
               options.max_tokens);
  }
  if (options.constraint == nullptr) return;
  matcher_.emplace(options.constraint, options.trie);
  // Rows behind the vocabulary are padding: their bits stay zero.
  mask_.resize((static_cast<size_t>(engine.vocab()) + 31) / 32);
  if (mask_.size() < options.trie->mask_words())
    fail_usage("the constraint is over {} tokens, the model has {}", options.trie->vocab_size(),
               engine.vocab());
}

bool Answer::is_end(int32_t id) const {
  const Tokenizer* tokenizer = engine_->model().tokenizer();
  if (tokenizer != nullptr && tokenizer->is_end(id)) return true;
  return std::find(options_->ends.begin(), options_->ends.end(), id) != options_->ends.end();
}

bool Answer::stop(StopReason reason) {
  completion_.stop = reason;
  return false;
}

bool Answer::choose(std::span<const float> logits) {
  while (true) {
    const size_t at = completion_.ids.size();
    const auto banned = forbidden_.find(at);
    if (matcher_) matcher_->mask(std::span(mask_).first(options_->trie->mask_words()));
    SampleInput input{logits, tokens_, static_cast<int64_t>(tokens_.size()), mask_};
    if (banned != forbidden_.end()) input.forbidden = banned->second;
    Choice choice = chain_.sample(input);
    if (at < options_->replayed.size()) {
      choice = Choice();
      choice.id = options_->replayed[at];
    }
    if (choice.id < 0) return stop(StopReason::exhausted);
    if (options_->stop_at_ends && is_end(choice.id)) return stop(StopReason::end_token);

    push(choice);
    const auto match = text_.push(choice.id);
    if (match && match->banned) {
      if (!take_back(match->token)) return stop(StopReason::exhausted);
      if (match->token == at) continue;  // from the same logits
      return true;
    }
    if (match) {
      completion_.stop_string = options_->stop_strings[match->string];
      resize(text_.cut(match->begin));
      return stop(StopReason::stop_string);
    }
    if (static_cast<int64_t>(completion_.ids.size()) == options_->max_tokens)
      return stop(StopReason::max_tokens);
    // The token just chosen would be the sequence's next and last one.
    if (static_cast<int64_t>(tokens_.size()) > engine_->context())
      return stop(StopReason::context_full);
    return true;
  }
}

void Answer::push(const Choice& choice) {
  chain_.accept(choice);
  if (matcher_) matcher_->accept(choice.id);
  tokens_.push_back(choice.id);
  completion_.ids.push_back(choice.id);
  if (options_->sampling.n_probs > 0)
    completion_.probabilities.push_back({choice.chosen, choice.top});
}

void Answer::resize(size_t count) {
  const size_t back = completion_.ids.size() - count;
  chain_.rewind(static_cast<int64_t>(back));
  if (matcher_) matcher_->rewind(back);
  completion_.ids.resize(count);
  tokens_.resize(prompt_size_ + count);
  if (options_->sampling.n_probs > 0) completion_.probabilities.resize(count);
}

// False when it has happened too often.
bool Answer::take_back(size_t token) {
  forbidden_.erase(forbidden_.upper_bound(token), forbidden_.end());
  forbidden_[token].push_back(completion_.ids[token]);
  resize(token);
  text_.rewind(token);
  ++completion_.taken_back;
  return ++taken_back_ < options_->max_taken_back;
}

std::string Answer::take_text() {
  const size_t given = text_.given();
  std::string piece = text_.take();
  if (text_.given() > given) {  // it never goes back to before these
    forbidden_.erase(forbidden_.begin(), forbidden_.lower_bound(text_.given()));
    taken_back_ = 0;
  }
  completion_.text += piece;
  return piece;
}

std::string Answer::finish_text() {
  std::string piece = text_.finish();
  completion_.text += piece;
  return piece;
}

}  // namespace avocado
