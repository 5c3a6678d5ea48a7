#pragma once
// Prompt in, answer out: the loop of forward and sample.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "grammar/matcher.h"
#include "infer/engine.h"
#include "infer/sampler.h"
#include "infer/speculation.h"
#include "infer/thinking_budget.h"

namespace avocado {

enum class StopReason {
  end_token,      // the model ended
  max_tokens,     // as many as were asked for
  context_full,   // the sequence can hold no more
  interrupted,    // by GenerateHooks::interrupted
  stop_string,    // one of GenerateOptions::stop_strings
  exhausted,      // no token was left: all banned, biased to -infinity, or too often taken back
  grammar_limit,  // the automaton behind the constraint outgrew its bounds (docs/grammars.md)
};
// "end", "length", "context", "interrupted", "stop", "exhausted", "grammar"
const char* stop_reason_name(StopReason reason);

struct GenerateOptions {
  int64_t max_tokens = -1;  // -1: until the model ends or the context is full
  SamplerParameters sampling;
  std::vector<int32_t> ends;  // tokens that end the answer, besides the tokenizer's own
  bool stop_at_ends = true;
  // Control tokens that stand in the text by their spelling, such as the marks of a chat format.
  std::vector<int32_t> shown;

  // When the context is full: end there (false), or forget the oldest half of what follows the
  // first `keep` tokens (a token that begins the text is kept in any case) and go on. What is left
  // takes new positions, from which everything is computed anew, so that the logits are those of a
  // prompt of what is left.
  bool context_shift = false;
  int64_t keep = 0;

  // Strings (answer_text.h) that end the answer, without being in its text.
  std::vector<std::string> stop_strings;
  // Strings that the text of the answer never holds. When one appears, the answer goes back to the
  // token in which it begins; that token is forbidden there, and another one is drawn. Tokens that
  // were forbidden further on are free again. When no token is left, or this has happened
  // max_taken_back times since text was last given out, the answer ends there: exhausted.
  std::vector<std::string> banned_strings;
  int64_t max_taken_back = 1000;

  // Only texts that this allows (grammar/matcher.h), over the model's own vocabulary: both or none.
  // Thinking before them is a matter of the constraint (chat/answer_grammar.h).
  std::shared_ptr<const grammar::Constraint> constraint;
  std::shared_ptr<const grammar::TokenTrie> trie;
  std::optional<ThinkingBudget> thinking;

  // Guesses what comes next: speed, never a token. Null: nothing is guessed. It is used by
  // generate() only.
  Speculation* speculation = nullptr;

  // The first tokens of the answer, whatever is drawn in their places: an answer that is known is
  // written again at the cost of finding it, to measure that.
  std::vector<int32_t> replayed;
};

struct TokenProbabilities {
  TokenProbability chosen;
  std::vector<TokenProbability> top;
};

struct Completion {
  // Without the token that ended it, and without tokens that begin in or after the stop string; the
  // last one may reach into it.
  std::vector<int32_t> ids;
  StopReason stop = StopReason::max_tokens;
  std::string text;         // up to the stop string, whole characters; empty without a tokenizer
  std::string stop_string;  // which one
  std::vector<TokenProbabilities> probabilities;  // of each id, with SamplerParameters::n_probs
  int64_t taken_back = 0;                         // how often a banned string was met
  int64_t forgotten = 0;                          // tokens, with context_shift
  int64_t drafted = 0, drafted_right = 0;         // tokens guessed, and those that were right
};

// How a generation reports; any of them may be empty.
struct GenerateHooks {
  // Pieces of Completion::text as soon as they are safe from stop and banned strings.
  std::function<void(const std::string&)> text;
  std::function<bool()> interrupted;  // asked between steps
  std::function<void()> prompt_done;  // the first token is about to be chosen
};

// Continues `prompt` in `sequence`. What the sequence already holds of the prompt's beginning is
// reused (the answer is the same to the bit), the rest is forgotten. A token is drawn at the
// position it takes. Throws Error(usage) when the prompt is empty or longer than the context.
Completion generate(Engine& engine, SequenceId sequence, std::span<const int32_t> prompt,
                    const GenerateOptions& options, const GenerateHooks& hooks = {});

struct GenerateRequest {
  std::vector<int32_t> prompt;
  GenerateOptions options;
};

// Every request on its own, up to `batch` at a time: element i equals what generate() gives for
// request i alone, to the bit.
std::vector<Completion> generate_batch(Engine& engine, const std::vector<GenerateRequest>& requests,
                                       int64_t batch = 64);
// The same options for all.
std::vector<Completion> generate_batch(Engine& engine,
                                       const std::vector<std::vector<int32_t>>& prompts,
                                       const GenerateOptions& options, int64_t batch = 64);

}  // namespace avocado
