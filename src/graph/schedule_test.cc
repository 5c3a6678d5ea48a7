#include "graph/schedule.h"

#include <gtest/gtest.h>

#include <string>

#include "graph/executor.h"
#include "graph/memory_plan.h"
#include "graph/test_graph.h"
#include "kernels/cross_entropy/cross_entropy.h"

namespace avocado::graph {
namespace {

std::vector<int> nodes(const std::vector<Visit>& visits, Pass pass) {
  std::vector<int> list;
  for (const Visit& visit : visits)
    if (visit.pass == pass) list.push_back(visit.node);
  return list;
}

TEST(Schedule, WalksForwardsThenTheHeadThenBackwards) {
  const Graph g = small_graph(2);
  const int head = static_cast<int>(g.nodes.size()) - 1;
  const std::vector<Visit> visits = plan_training(g, false);
  ASSERT_EQ(visits.size(), 2 * g.nodes.size() - 1);
  for (int i = 0; i < head; ++i) {
    EXPECT_EQ(visits[i], (Visit{i, Pass::forward}));
    EXPECT_EQ(visits[2 * head - i], (Visit{i, Pass::backward}));
  }
  EXPECT_EQ(visits[head], (Visit{head, Pass::head}));
}

// A layer of small_graph has 15 nodes; the last two, the product back into the residual stream and
// its add, are read by no backward.
TEST(Schedule, RunsAllLayersButTheLastAgain) {
  const Graph g = small_graph(3);
  const std::vector<Visit> visits = plan_training(g, true);
  std::vector<int> again;
  for (int first : {16, 1})
    for (int i = 0; i < 13; ++i) again.push_back(first + i);
  EXPECT_EQ(nodes(visits, Pass::recompute), again);
  EXPECT_EQ(nodes(visits, Pass::backward), nodes(plan_training(g, false), Pass::backward));
  // The second layer is run again after the backward of the third.
  const auto begin = std::find(visits.begin(), visits.end(), Visit{16, Pass::recompute});
  EXPECT_EQ(*(begin - 1), (Visit{31, Pass::backward}));
}

TEST(Schedule, OneLayerIsNotRunAgain) {
  EXPECT_TRUE(nodes(plan_training(small_graph(1), true), Pass::recompute).empty());
}

int64_t token_width(int layers, bool recompute) {
  const Graph g = small_graph(layers);
  return plan_training_memory(g, plan_training(g, recompute)).token_width;
}

TEST(Schedule, RecomputationKeepsOneValuePerLayer) {
  constexpr int64_t kWidth = 8;
  EXPECT_EQ(token_width(12, true) - token_width(11, true), kWidth);
  EXPECT_GT(token_width(12, false) - token_width(11, false), 10 * kWidth);
}

// A model with random weights, and what a batch of three sequences gives.
struct Training {
  explicit Training(const Graph& graph) : g(graph) {
    std::vector<float*> pointers;
    for (const Weight& w : g.weights) {
      values.emplace_back(w.count());
      grads.emplace_back(w.count(), 0.0f);
    }
    for (auto& v : values) pointers.push_back(v.data());
    initialise(g, 5, pointers);
    for (size_t i = 0; i < values.size(); ++i)
      refs.push_back({.data = values[i].data(), .grad = grads[i].data()});
    for (int64_t count : {1, 300, 23}) {
      sequences.push_back({.count = count});
      for (int64_t i = 0; i < count; ++i) {
        if (i % 17 != 3) {
          wanted.push_back(static_cast<int32_t>(ids.size()));
          targets.push_back(static_cast<int32_t>(ids.size() * 7 % 11));
        }
        ids.push_back(static_cast<int32_t>(ids.size() * 5 % 11));
      }
    }
    losses.resize(wanted.size());
  }

  Batch<float> batch() const { return {ids, sequences, wanted}; }

  void cross_entropy(float* logits, int64_t first, int64_t rows) {
    ++blocks;
    kernels::cross_entropy(pool, static_cast<const float*>(logits), targets.data() + first,
                           losses.data() + first, logits, rows, g.vocab(), 1.0);
  }

  void train(const TrainingMode& mode) {
    Executor<float> executor(g, refs, pool);
    executor.configure_training(mode);
    // Twice: the second batch finds the memory as the first left it.
    for (int i = 0; i < 2; ++i)
      executor.train(batch(), [&](float* logits, int64_t first, int64_t rows) {
        cross_entropy(logits, first, rows);
      });
  }

  void train_with_all_logits() {
    Executor<float> executor(g, refs, pool);
    for (int i = 0; i < 2; ++i) {
      float* logits = executor.forward_train(batch());
      cross_entropy(logits, 0, static_cast<int64_t>(wanted.size()));
      executor.backward(batch(), logits);
    }
  }

  const Graph& g;
  ThreadPool pool{2};
  std::vector<std::vector<float>> values, grads;
  std::vector<WeightRef<float>> refs;
  std::vector<int32_t> ids, wanted, targets;
  std::vector<Sequence<float>> sequences;
  std::vector<float> losses;
  int blocks = 0;
};

TEST(TrainingMemory, RecomputationChangesNoBit) {
  const Graph g = small_graph(4);
  Training plain(g), again(g);
  plain.train({});
  again.train({.recompute = true});
  EXPECT_EQ(plain.losses, again.losses);
  EXPECT_EQ(plain.grads, again.grads);
}

TEST(TrainingMemory, LogitsInBlocksChangeNoBit) {
  constexpr int64_t kVocab = 140000;
  const Graph g = small_graph(2, kVocab);
  Training blocks(g), all(g);
  ASSERT_LT(head_rows(kVocab), static_cast<int64_t>(all.wanted.size()));
  blocks.train({});
  all.train_with_all_logits();
  EXPECT_EQ(blocks.blocks, 4);
  EXPECT_EQ(blocks.losses, all.losses);
  EXPECT_EQ(blocks.grads, all.grads);
}

}  // namespace
}  // namespace avocado::graph
