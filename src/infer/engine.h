#pragma once
// Runs sequences through a model. Start here: create() a sequence, forward() tokens, read the rows.
//
// The logits of a token depend on the tokens before it in its sequence and on nothing else: not on
// the threads of the pool, the chunk size, the other sequences of a batch, or whether its
// predecessors came in one call or in many. All of these give the same bits.
//
// Not thread-safe: one caller at a time. Errors are thrown as avocado::Error before anything
// changes; a sequence is usable after any of them.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "graph/executor.h"
#include "infer/page_pool.h"
#include "models/model.h"

namespace avocado {

struct EngineOptions {
  int64_t context = 0;  // positions one sequence may hold; 0: as many as the model was made for
  int64_t chunk = 512;  // tokens that go through the model at once: speed and memory, never a bit
  uint64_t cache_bytes = 0;  // most bytes of keys and values; 0: the memory of the machine
  // How keys and values are kept (kernels/attention/attention.h), part of the definition of the
  // answer. Without a value: as the model asks for, default_cache_type.
  std::optional<kernels::CacheType> cache_type_k = {}, cache_type_v = {};
  bool cache_hadamard = false;  // they are rotated before that
};

// f32 for a model whose matrices are all stored as F32, so that it answers with the bits of its
// training; f16 otherwise.
kernels::CacheType default_cache_type(const Model& model);
// What `options` mean for a model.
kernels::CacheTypes cache_types(const Model& model, const EngineOptions& options);

enum class Want { none, last, all };

// Logits of consecutive tokens of one input; the memory is valid during the visit only.
struct LogitRows {
  size_t input = 0;      // index into the inputs of forward()
  int64_t position = 0;  // of the first row's token in its sequence
  int64_t count = 0;
  int64_t vocab = 0;
  const float* data = nullptr;  // [count, vocab]

  std::span<const float> row(int64_t i) const {
    return {data + i * vocab, static_cast<size_t>(vocab)};
  }
};

using SequenceId = int32_t;

class Engine {
 public:
  struct Input {
    SequenceId sequence = 0;
    std::span<const int32_t> ids;  // continue the sequence; at least one
    Want want = Want::last;        // tokens whose logits are computed
  };
  using Visitor = std::function<void(const LogitRows&)>;

  // `model` and `pool` must outlive the engine.
  Engine(const Model& model, ThreadPool& pool, EngineOptions options = {});

  SequenceId create();
  void free(SequenceId sequence);
  // Forgets the tokens from `length` on.
  void truncate(SequenceId sequence, int64_t length);
  // Forgets all from the first token that differs from `ids` on, and the last of these in any case,
  // since it has to go through the model to give logits.
  void keep_common(SequenceId sequence, std::span<const int32_t> ids);
  const std::vector<int32_t>& ids(SequenceId sequence) const;

  // Appends the tokens of every input to its sequence and visits the wanted rows, inputs and
  // positions ascending. A sequence may occur once. The visitor must not call the engine.
  void forward(std::span<const Input> inputs, const Visitor& visit);

  // Throws Error(usage) with the numbers when a prompt of `tokens` tokens does not fit.
  void check_fits(int64_t tokens) const;

  // Seconds spent in each kind of step, from now on (graph/executor.h).
  void enable_profile() { executor_.enable_profile(); }
  const std::map<std::string, double>& profile() const { return executor_.profile(); }

  const Model& model() const { return model_; }
  ThreadPool& pool() const { return pool_; }
  int64_t context() const { return options_.context; }
  int64_t chunk() const { return options_.chunk; }
  kernels::CacheTypes cache_types() const { return cache_; }
  // Memory that one position takes.
  int64_t cache_bytes_per_token() const;
  int64_t vocab() const { return vocab_; }

 private:
  struct State {
    bool used = false;
    std::vector<int32_t> ids;
    std::vector<std::byte*> blocks;  // one per kTile positions
    std::vector<std::byte*> pages;   // [layers][stride], as the executor reads them
    int64_t stride = 0;
  };

  const State& state(SequenceId sequence) const;
  State& state(SequenceId sequence);
  void check(std::span<const Input> inputs) const;
  void grow(State& state, int64_t length);

  const Model& model_;
  ThreadPool& pool_;
  EngineOptions options_;
  kernels::CacheTypes cache_;
  int64_t vocab_, layers_;
  PagePool pages_;
  graph::Executor<float> executor_;
  std::vector<State> states_;
};

// A sequence that is freed at the end of its scope.
class ScopedSequence {
 public:
  explicit ScopedSequence(Engine& engine) : engine_(&engine), id_(engine.create()) {}
  ~ScopedSequence() {
    if (engine_) engine_->free(id_);
  }
  ScopedSequence(ScopedSequence&& other) noexcept
      : engine_(std::exchange(other.engine_, nullptr)), id_(other.id_) {}
  ScopedSequence& operator=(ScopedSequence&& other) noexcept {
    std::swap(engine_, other.engine_);
    std::swap(id_, other.id_);
    return *this;
  }

  operator SequenceId() const { return id_; }

 private:
  Engine* engine_;
  SequenceId id_;
};

}  // namespace avocado
