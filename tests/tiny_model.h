#pragma once
// Models of random weights, and the logits of prompts.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"
#include "infer/engine.h"
#include "models/registry.h"

namespace avocado::test {

// Writes a GGUF file with the weights of a model at birth.
inline void write_tiny_model(const ModelConfig& config, const std::string& path,
                             const Tokenizer* tokenizer = nullptr,
                             const std::string& chat_template = "") {
  const graph::Graph graph = build_graph(config);
  std::vector<std::vector<float>> values;
  std::vector<float*> writable;
  for (const graph::Weight& weight : graph.weights) values.emplace_back(weight.count());
  for (std::vector<float>& v : values) writable.push_back(v.data());
  graph::initialise(graph, 5, writable);
  save_gguf(path, config, graph, {writable.begin(), writable.end()}, tokenizer, chat_template);
}

inline std::vector<int32_t> random_ids(int64_t count, int64_t vocab, uint64_t seed) {
  const Random random(seed, Purpose::test);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i) {
    ids.push_back(
        static_cast<int32_t>(random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(vocab))));
  }
  return ids;
}

// Logits [ids, vocab] of a new sequence.
inline std::vector<float> logits_of(Engine& engine, std::span<const int32_t> ids) {
  const ScopedSequence sequence(engine);
  std::vector<float> all;
  const Engine::Input input{sequence, ids, Want::all};
  engine.forward({&input, 1}, [&](const LogitRows& rows) {
    all.insert(all.end(), rows.data, rows.data + rows.count * rows.vocab);
  });
  return all;
}

}  // namespace avocado::test
