#include "infer/engine.h"

#include <algorithm>

#include "base/error.h"
#include "tensor/dtype.h"

namespace avocado {
namespace {

using kernels::kTile;

// Logits held at once: enough rows to keep the matrix product busy, little memory for a large
// vocabulary.
constexpr int64_t kMaxLogits = int64_t{1} << 24;

int64_t tiles(int64_t positions) { return (positions + kTile - 1) / kTile; }

int64_t max_wanted(int64_t vocab) { return std::max<int64_t>(1, kMaxLogits / vocab); }

EngineOptions checked(const Model& model, EngineOptions options) {
  const int64_t made_for = model.config().context;
  if (options.context == 0) options.context = made_for;
  if (options.context < 1 || options.context > made_for) {
    fail_usage("a context of {} positions was asked for; this model was made for 1 to {}",
               options.context, made_for);
  }
  if (options.chunk < 1) fail_usage("the chunk size is {}; it must be at least 1", options.chunk);
  options.chunk = std::min(options.chunk, options.context);
  if (options.cache_bytes == 0) options.cache_bytes = physical_memory();
  return options;
}

}  // namespace

kernels::CacheType default_cache_type(const Model& model) {
  const graph::Graph& graph = model.graph();
  const std::vector<graph::WeightRef<float>> weights = model.weights();
  for (size_t i = 0; i < weights.size(); ++i)
    if (graph.weights[i].matrix && weights[i].stored->type != DType::f32)
      return kernels::CacheType::f16;
  return kernels::CacheType::f32;
}

kernels::CacheTypes cache_types(const Model& model, const EngineOptions& options) {
  const kernels::CacheType type = default_cache_type(model);
  return {options.cache_type_k.value_or(type), options.cache_type_v.value_or(type),
          options.cache_hadamard};
}

Engine::Engine(const Model& model, ThreadPool& pool, EngineOptions options)
    : model_(model),
      pool_(pool),
      options_(checked(model, options)),
      cache_(avocado::cache_types(model, options)),
      vocab_(model.graph().vocab()),
      layers_(model.graph().layers),
      pages_(layers_, model.graph().page_bytes<float>(cache_), options_.cache_bytes),
      executor_(model.graph(), model.weights(), pool) {
  const size_t activations =
      executor_.activation_bytes(options_.chunk, std::min(options_.chunk, max_wanted(vocab_)));
  if (activations > physical_memory()) {
    fail_resource(
        "chunks of {} tokens need {} MiB of activations, more than this machine has; take smaller "
        "chunks",
        options_.chunk, activations >> 20);
  }
}

int64_t Engine::cache_bytes_per_token() const {
  return static_cast<int64_t>(pages_.block_bytes()) / kTile;
}

const Engine::State& Engine::state(SequenceId sequence) const {
  if (sequence < 0 || sequence >= static_cast<SequenceId>(states_.size()) ||
      !states_[sequence].used) {
    fail_usage("there is no sequence {}", sequence);
  }
  return states_[sequence];
}

Engine::State& Engine::state(SequenceId sequence) {
  return const_cast<State&>(std::as_const(*this).state(sequence));
}

SequenceId Engine::create() {
  auto unused =
      std::find_if(states_.begin(), states_.end(), [](const State& s) { return !s.used; });
  if (unused == states_.end()) unused = states_.emplace(states_.end());
  unused->used = true;
  return static_cast<SequenceId>(unused - states_.begin());
}

void Engine::free(SequenceId sequence) {
  truncate(sequence, 0);
  states_[sequence] = State{};
}

void Engine::truncate(SequenceId sequence, int64_t length) {
  State& s = state(sequence);
  if (length < 0 || length > static_cast<int64_t>(s.ids.size())) {
    fail_usage("sequence {} has {} tokens and cannot be cut to {}", sequence, s.ids.size(), length);
  }
  s.ids.resize(length);
  while (static_cast<int64_t>(s.blocks.size()) > tiles(length)) {
    pages_.give_back(s.blocks.back());
    s.blocks.pop_back();
  }
}

void Engine::keep_common(SequenceId sequence, std::span<const int32_t> ids) {
  const std::vector<int32_t>& held = state(sequence).ids;
  const size_t most = std::min(held.size(), ids.empty() ? 0 : ids.size() - 1);
  const auto end = held.begin() + static_cast<int64_t>(most);
  truncate(sequence, std::mismatch(held.begin(), end, ids.begin()).first - held.begin());
}

const std::vector<int32_t>& Engine::ids(SequenceId sequence) const { return state(sequence).ids; }

void Engine::check_fits(int64_t tokens) const {
  if (tokens <= options_.context) return;
  fail_usage("the prompt has {} tokens, but the context holds {}; {}", tokens, options_.context,
             options_.context < model_.config().context
                 ? fmt::format("the model was made for up to {} (--ctx)", model_.config().context)
                 : "the model was made for no more; shorten it, or have it cut (--overflow)");
}

void Engine::check(std::span<const Input> inputs) const {
  int64_t blocks = 0;
  std::vector<bool> seen(states_.size());
  for (const Input& input : inputs) {
    const State& s = state(input.sequence);
    if (seen[input.sequence]) fail_usage("sequence {} occurs twice in one batch", input.sequence);
    seen[input.sequence] = true;
    if (input.ids.empty()) fail_usage("no tokens were given for sequence {}", input.sequence);
    for (int32_t id : input.ids) {
      if (id < 0 || id >= vocab_)
        fail_usage("token id {} is outside the vocabulary of {}", id, vocab_);
    }
    const auto length = static_cast<int64_t>(s.ids.size() + input.ids.size());
    check_fits(length);
    blocks += std::max<int64_t>(0, tiles(length) - static_cast<int64_t>(s.blocks.size()));
  }
  pages_.check_room(blocks);
}

void Engine::grow(State& s, int64_t length) {
  const int64_t needed = tiles(length);
  if (needed > s.stride) {
    const int64_t stride = std::max(needed, 2 * s.stride);
    std::vector<std::byte*> pages(layers_ * stride);
    for (int64_t layer = 0; layer < layers_; ++layer) {
      std::copy_n(s.pages.begin() + layer * s.stride, s.blocks.size(),
                  pages.begin() + layer * stride);
    }
    s.pages.swap(pages);
    s.stride = stride;
  }
  s.blocks.reserve(needed);
  while (static_cast<int64_t>(s.blocks.size()) < needed) {
    std::byte* block = pages_.take();
    for (int64_t layer = 0; layer < layers_; ++layer) {
      s.pages[layer * s.stride + static_cast<int64_t>(s.blocks.size())] =
          block + layer * pages_.page_bytes();
    }
    s.blocks.push_back(block);
  }
}

void Engine::forward(std::span<const Input> inputs, const Visitor& visit) {
  check(inputs);
  for (const Input& input : inputs) {
    State& s = state(input.sequence);
    grow(s, static_cast<int64_t>(s.ids.size() + input.ids.size()));
  }

  std::vector<int32_t> ids, wanted;
  std::vector<graph::Sequence<float>> sequences;
  struct Part {
    size_t input;
    int64_t begin, count;  // tokens of the input
    int64_t wanted;        // its last rows
  };
  std::vector<Part> parts;

  const int64_t wanted_limit = max_wanted(vocab_);
  size_t next = 0;
  int64_t done = 0;  // tokens of inputs[next] that are through
  while (next < inputs.size()) {
    ids.clear(), wanted.clear(), sequences.clear(), parts.clear();
    while (next < inputs.size()) {
      const Input& input = inputs[next];
      const auto total = static_cast<int64_t>(input.ids.size());
      const int64_t wanted_room = wanted_limit - static_cast<int64_t>(wanted.size());
      int64_t count = std::min(options_.chunk - static_cast<int64_t>(ids.size()), total - done);
      if (input.want == Want::all) count = std::min(count, wanted_room);
      if (count == 0 || wanted_room == 0) break;
      const bool ends = done + count == total;
      const int64_t rows = input.want == Want::all            ? count
                           : input.want == Want::last && ends ? 1
                                                              : 0;

      ids.insert(ids.end(), input.ids.begin() + done, input.ids.begin() + done + count);
      for (int64_t r = rows; r > 0; --r) wanted.push_back(static_cast<int32_t>(ids.size() - r));
      const State& s = state(input.sequence);
      sequences.push_back({count, static_cast<int64_t>(s.ids.size()), s.pages.data(), s.stride});
      parts.push_back({next, done, count, rows});
      done = ends ? 0 : done + count;
      next += ends;
    }

    const float* logits = executor_.forward({ids, sequences, wanted, cache_});
    for (const Part& part : parts) {
      const Input& input = inputs[part.input];
      State& s = state(input.sequence);
      const auto from = input.ids.begin() + part.begin;
      s.ids.insert(s.ids.end(), from, from + part.count);
      if (part.wanted == 0) continue;
      visit({part.input, static_cast<int64_t>(s.ids.size()) - part.wanted, part.wanted, vocab_,
             logits});
      logits += part.wanted * vocab_;
    }
  }
}

}  // namespace avocado
