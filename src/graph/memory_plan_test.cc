#include "graph/memory_plan.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/executor.h"
#include "graph/test_graph.h"

namespace avocado::graph {
namespace {

int64_t token_width(int layers, bool training) {
  const Graph g = small_graph(layers);
  return training ? plan_training_memory(g, plan_training(g, false)).token_width
                  : plan_inference_memory(g, plan_steps(g)).token_width;
}

TEST(MemoryPlan, InferenceMemoryDoesNotGrowWithLayers) {
  EXPECT_EQ(token_width(20, false), token_width(2, false));
  EXPECT_GT(token_width(20, true), token_width(2, true));
}

// A forward pass and a training pass over the same nodes use other memory, and must agree: a value
// overwritten too early by either plan would show here.
TEST(MemoryPlan, TrainingForwardEqualsInferenceForward) {
  const Graph g = small_graph(3);
  ThreadPool pool(2);
  std::vector<std::vector<float>> values;
  std::vector<float*> pointers;
  for (const Weight& w : g.weights) values.emplace_back(w.count());
  for (auto& v : values) pointers.push_back(v.data());
  initialise(g, 5, pointers);
  std::vector<WeightRef<float>> refs;
  for (float* p : pointers) refs.push_back({.data = p});

  const std::vector<int32_t> ids = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const std::vector<int32_t> wanted = {0, 3, 9};
  std::vector<std::vector<std::byte>> pages(6, std::vector<std::byte>(g.page_bytes<float>({})));
  std::vector<std::byte*> table;
  for (auto& p : pages) table.push_back(p.data());
  // Two sequences of 4 and 6 tokens, one page each in each of 3 layers.
  std::vector<std::byte*> first = {table[0], table[1], table[2]},
                          second = {table[3], table[4], table[5]};
  const std::vector<Sequence<float>> cached = {{4, 0, first.data(), 1}, {6, 0, second.data(), 1}};
  const std::vector<Sequence<float>> whole = {{.count = 4}, {.count = 6}};

  Executor<float> executor(g, refs, pool);
  const float* a = executor.forward({ids, cached, wanted});
  const std::vector<float> inference(a, a + 33);
  const float* b = executor.forward_train({ids, whole, wanted});
  for (int i = 0; i < 33; ++i) EXPECT_EQ(inference[i], b[i]) << i;
}

}  // namespace
}  // namespace avocado::graph
