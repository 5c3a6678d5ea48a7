#pragma once
// Models of random weights, and the logits of prompts.

#include <cstdint>
#include <span>
#include <vector>

#include "base/philox.h"
#include "infer/engine.h"
#include "tiny_model_file.h"

namespace avocado::test {

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
