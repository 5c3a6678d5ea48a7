#include "infer/answer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace avocado {

Answer::Answer(const Engine& engine, std::span<const int32_t> prompt,
               const GenerateOptions& options)
    : engine_(&engine),
      options_(&options),
      tokens_(prompt.begin(), prompt.end()),
      chain_(options.sampling, engine.vocab(), engine.model().tokenizer(), options.ends),
      text_(engine.model().tokenizer(), prompt, options.stop_strings, options.banned_strings,
            options.shown) {
  if (options.max_tokens < -1) {
    fail_usage("at most {} tokens were asked for; it must be -1 (no limit) or more",
               options.max_tokens);
  }
  const Tokenizer* tokenizer = engine.model().tokenizer();
  if (options.keep < 0 || options.keep >= engine.context()) {
    fail_usage("keep is {}; it must be from 0 to {}, below the context", options.keep,
               engine.context() - 1);
  }
  const bool begins = tokenizer != nullptr && !prompt.empty() && prompt[0] == tokenizer->bos();
  keep_ = std::max(static_cast<size_t>(options.keep), size_t{begins});
  if (options.thinking) {
    if (tokenizer == nullptr) fail_usage("a thinking budget needs a model with a tokenizer");
    thinking_.emplace(*options.thinking, *tokenizer);
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
    const int32_t forced = thinking_ ? thinking_->forced() : -1;
    Choice choice;
    if (forced >= 0) {
      choice = force(logits, forced);
    } else {
      if (!set_mask()) return stop(StopReason::grammar_limit);
      SampleInput input{logits, tokens_, static_cast<int64_t>(tokens_.size()), mask_};
      const auto banned = forbidden_.find(at);
      if (banned != forbidden_.end()) input.forbidden = banned->second;
      choice = chain_.sample(input);
    }
    if (at < options_->replayed.size()) {
      choice = Choice();
      choice.id = options_->replayed[at];
    }
    if (choice.id < 0) return stop(StopReason::exhausted);
    if (options_->stop_at_ends && is_end(choice.id)) return stop(StopReason::end_token);
    bool allowed = true;
    if (!follow(choice.id, allowed)) return stop(StopReason::grammar_limit);
    if (!allowed) return stop(StopReason::exhausted);  // the end of thinking was forced

    const auto match = text_.push(choice.id);
    push(choice, choice.id == forced);
    if (match && match->banned) {
      // What is forced cannot be replaced.
      const bool hopeless = thinking_ && thinking_->was_forced(match->token);
      if (!take_back(match->token) || hopeless) return stop(StopReason::exhausted);
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
    if (static_cast<int64_t>(tokens_.size()) > engine_->context() && !shift())
      return stop(StopReason::context_full);
    return true;
  }
}

// A token that was not drawn, with its probabilities when they are wanted.
Choice Answer::force(std::span<const float> logits, int32_t id) {
  Choice choice;
  if (options_->sampling.n_probs > 0) {
    std::vector<uint32_t> only((logits.size() + 31) / 32);
    only[static_cast<size_t>(id) / 32] |= 1u << id % 32;
    choice = chain_.sample({logits, tokens_, static_cast<int64_t>(tokens_.size()), only});
    choice.observed.reset();
  }
  if (choice.id < 0) choice.chosen = {id, -INFINITY};  // forbidden by a bias
  choice.id = id;
  return choice;
}

namespace {

// False when the automaton behind a constraint outgrows its bounds. The answer so far is whole.
template <class Step>
bool within_bounds(Step step) {
  try {
    step();
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::resource && error.kind() != ErrorKind::usage) throw;
    return false;
  }
}

}  // namespace

bool Answer::set_mask() {
  return !matcher_ || within_bounds([this] {
    matcher_->mask(std::span(mask_).first(options_->trie->mask_words()));
  });
}

bool Answer::follow(int32_t id, bool& allowed) {
  return !matcher_ || within_bounds([&] { allowed = matcher_->accept(id); });
}

void Answer::push(const Choice& choice, bool forced) {
  chain_.accept(choice);
  if (thinking_) thinking_->push(text_.last(), forced);
  tokens_.push_back(choice.id);
  completion_.ids.push_back(choice.id);
  if (options_->sampling.n_probs > 0)
    completion_.probabilities.push_back({choice.chosen, choice.top});
}

// Forgets the oldest half of what may be forgotten.
bool Answer::shift() {
  if (!options_->context_shift) return false;
  const auto from = tokens_.begin() + static_cast<ptrdiff_t>(keep_);
  const auto to = from + (tokens_.end() - from + 1) / 2;
  shifts_.push_back({completion_.ids.size(), {from, to}});
  completion_.forgotten += to - from;
  tokens_.erase(from, to);
  return moved_ = true;
}

// Takes the last tokens off, and remembers what was forgotten since.
void Answer::pop(size_t count) {
  size_t left = completion_.ids.size();
  const size_t end = left - count;
  while (!shifts_.empty() && shifts_.back().at > end) {
    const Shift& last = shifts_.back();
    tokens_.resize(tokens_.size() - (left - last.at));
    left = last.at;
    tokens_.insert(tokens_.begin() + static_cast<ptrdiff_t>(keep_), last.tokens.begin(),
                   last.tokens.end());
    completion_.forgotten -= static_cast<int64_t>(last.tokens.size());
    shifts_.pop_back();
    moved_ = true;
  }
  tokens_.resize(tokens_.size() - (left - end));
  completion_.ids.resize(end);
}

void Answer::resize(size_t count) {
  const size_t back = completion_.ids.size() - count;
  chain_.rewind(static_cast<int64_t>(back));
  if (matcher_) matcher_->rewind(back);
  if (thinking_) thinking_->rewind(count);
  pop(back);
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
