#include "graph/memory_plan.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/executor.h"
#include "graph/graph.h"

namespace avocado::graph {
namespace {

// A decoder layer with everything a layer can have.
Graph small_graph(int layers) {
  Graph g;
  g.rope = {.dim = 4, .frequencies = {1.0, 0.1}};
  Builder b(g);
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t cols) {
    return b.weight({.name = name, .hf_name = name, .rows = rows, .cols = cols, .matrix = true});
  };
  const auto vector = [&](const std::string& name, int64_t n) {
    return b.weight({.name = name, .hf_name = name, .rows = 1, .cols = n, .init = Init::ones});
  };
  const WeightId table = matrix("table", 11, 8);
  ValueId x = b.embed(table);
  const kernels::AttentionShape shape{.heads = 2, .kv_heads = 1, .head_dim = 4, .scale = 0.5};
  for (int i = 0; i < layers; ++i) {
    const std::string n = std::to_string(i);
    const ValueId h = b.rms_norm(x, vector("n1" + n, 8));
    const ValueId q = b.rope(b.linear(h, matrix("q" + n, 8, 8)), 2);
    const ValueId k = b.rope(b.linear(h, matrix("k" + n, 4, 8)), 1);
    const ValueId v = b.linear(h, matrix("v" + n, 4, 8));
    x = b.add(x, b.linear(b.attention(q, k, v, shape), matrix("o" + n, 8, 8)));
    const ValueId f = b.rms_norm(x, vector("n2" + n, 8));
    const ValueId s =
        b.swiglu(b.linear(f, matrix("g" + n, 12, 8)), b.linear(f, matrix("u" + n, 12, 8)));
    x = b.add(x, b.linear(s, matrix("d" + n, 8, 12)));
  }
  b.finish(b.linear(b.rms_norm(b.select(x), vector("n", 8)), table));
  return g;
}

int64_t token_width(int layers, bool training) {
  const Graph g = small_graph(layers);
  return plan_memory(g, plan_steps(g, training), training).token_width;
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
