#pragma once
// How well a model predicts a text: exp of the mean negative log-likelihood of its tokens, with
// windows that overlap (as Hugging Face's "Perplexity of fixed-length models" describes).

#include <cstdint>
#include <functional>
#include <span>

#include "infer/divergence.h"
#include "infer/engine.h"

namespace avocado {

struct PerplexityOptions {
  int64_t window = 0;  // tokens of a window; 0: the engine's context
  int64_t stride = 0;  // tokens from one window to the next, at most a window; 0: half a window
  // When set, the distribution of every scored token is compared with the one that this engine of
  // the same vocabulary gives: a cache or weights of other types.
  Engine* base = nullptr;
};

struct Perplexity {
  double nll = 0;         // sum over the scored tokens, in nats
  int64_t scored = 0;     // tokens scored
  int64_t windows = 0;    // windows run
  double value() const;   // exp(nll / scored)
  Divergence divergence;  // from the base; empty without one
};

// Windows begin at 0, stride, 2 * stride, ... until one reaches the end. Each scores the tokens
// that no earlier window scored, every one given all tokens before it in its window; the first
// token of a window has none and is scored only if an earlier window did. `progress` is called
// after each window with the tokens passed so far; it may throw.
Perplexity measure_perplexity(
    Engine& engine, std::span<const int32_t> ids, const PerplexityOptions& options,
    const std::function<void(int64_t tokens, const Perplexity&)>& progress = {});

}  // namespace avocado
