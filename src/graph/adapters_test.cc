#include "graph/adapters.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/philox.h"
#include "graph/steps.h"

namespace avocado::graph {
namespace {

constexpr int64_t kWidth = 24;

// Two products of one value, one with a bias, then a third; the table is the head too.
Graph small() {
  Graph graph;
  Builder b(graph);
  const auto matrix = [&](const char* name, int64_t rows, int64_t cols) {
    return b.weight({.name = name, .hf_name = "", .rows = rows, .cols = cols, .matrix = true});
  };
  const WeightId table = matrix("table.weight", 32, kWidth), up = matrix("up.weight", 40, kWidth),
                 gate = matrix("gate.weight", 40, kWidth), down = matrix("down.weight", kWidth, 40);
  const WeightId bias = b.weight({.name = "up.bias", .hf_name = "", .rows = 1, .cols = 40});
  const ValueId x = b.embed(table);
  const ValueId left = b.linear(x, gate), right = b.linear(x, up, bias);
  const ValueId y = b.swiglu(left, right);
  b.finish(b.linear(b.select(b.add(x, b.linear(y, down))), table));
  return graph;
}

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> list;
  for (const Weight& w : graph.weights) list.push_back(w.name);
  return list;
}

TEST(Adapters, OnlyMatricesOfProductsAloneAreAdaptable) {
  EXPECT_EQ(adaptable_weights(small()), (std::vector<WeightId>{1, 2, 3}));
}

TEST(Adapters, NewWeightsFollowTheOldOnes) {
  const Graph base = small();
  const std::vector<AdapterTarget> targets = {
      {.weight = 3, .rank = 4, .scale = 2},
      {.weight = 1, .rank = 2, .scale = 1, .magnitude = true},
      {.weight = 3, .rank = 1, .scale = 1}};
  const Graph graph = with_adapters(base, targets);
  const std::vector<std::string> all = names(graph);
  EXPECT_EQ(std::vector<std::string>(all.begin() + 5, all.end()),
            (std::vector<std::string>{
                "down.weight.lora_a", "down.weight.lora_b", "up.weight.lora_a", "up.weight.lora_b",
                "up.weight.lora_magnitude", "down.weight.lora_a.2", "down.weight.lora_b.2"}));
  EXPECT_EQ(graph.weights[5].rows, 4);
  EXPECT_EQ(graph.weights[5].cols, 40);
  EXPECT_EQ(graph.weights[6].rows, kWidth);
  EXPECT_EQ(graph.weights[6].cols, 4);
  EXPECT_EQ(graph.weights[9].cols, 40);
  // The bias is added after the rows have their length.
  for (const Node& node : graph.nodes) {
    if (node.op == OpKind::linear) {
      EXPECT_EQ(node.weights.size(), 1u);
    } else if (node.op == OpKind::dora) {
      EXPECT_EQ(node.weights, (std::vector<WeightId>{9, 1, 7, 8, 4}));
    }
  }
}

TEST(Adapters, ProductsOfOneValueStayOneStep) {
  const Graph graph =
      with_adapters(small(), std::vector<AdapterTarget>{{.weight = 1, .rank = 2, .scale = 1},
                                                        {.weight = 2, .rank = 2, .scale = 1}});
  std::vector<std::string> steps;
  for (const Step& step : plan_steps(graph)) steps.push_back(step_name(graph, step));
  EXPECT_EQ(steps[0], "embed + linear gate, up, gate.lora_a, up.lora_a");
}

TEST(Adapters, NoTargetsGiveTheSameGraph) {
  const Graph base = small(), same = with_adapters(base, {});
  ASSERT_EQ(same.nodes.size(), base.nodes.size());
  for (size_t i = 0; i < base.nodes.size(); ++i) {
    EXPECT_EQ(same.nodes[i].op, base.nodes[i].op);
    EXPECT_EQ(same.nodes[i].in, base.nodes[i].in);
    EXPECT_EQ(same.nodes[i].weights, base.nodes[i].weights);
  }
  EXPECT_EQ(same.logits, base.logits);
}

TEST(Adapters, RefusesWhatCannotBe) {
  const Graph base = small();
  const auto refused = [&](std::vector<AdapterTarget> targets) {
    EXPECT_THROW(with_adapters(base, targets), Error);
  };
  refused({{.weight = 0, .rank = 2, .scale = 1}});  // the table
  refused({{.weight = 4, .rank = 2, .scale = 1}});  // the bias
  refused({{.weight = 1, .rank = 0, .scale = 1}});
  refused({{.weight = 1, .rank = 2, .scale = 1},
           {.weight = 1, .rank = 2, .scale = 1, .magnitude = true}});
  refused({{.weight = 1, .rank = 2, .scale = 1, .magnitude = true},
           {.weight = 1, .rank = 2, .scale = 1}});
}

TEST(Adapters, NormsAreThoseOfTheAdaptedRows) {
  const Graph graph = with_adapters(
      small(),
      std::vector<AdapterTarget>{{.weight = 3, .rank = 3, .scale = 0.5, .magnitude = true}});
  const Random random(1, Purpose::test);
  uint64_t position = 0;
  std::vector<std::vector<float>> values;
  std::vector<WeightRef<float>> refs;
  for (const Weight& w : graph.weights) {
    auto& v = values.emplace_back(w.count());
    for (float& x : v) x = random.uniform(position++) - 0.5f;
  }
  // A row of zeros divides by one.
  std::fill_n(values[3].begin() + 5 * 40, 40, 0.0f);
  std::fill_n(values[6].begin() + 5 * 3, 3, 0.0f);
  for (auto& v : values) refs.push_back({.data = v.data()});
  const TensorView half{.name = "down",
                        .type = DType::f32,
                        .shape = {kWidth, 40},
                        .data = std::as_bytes(std::span(values[3]))};
  ThreadPool pool(2);
  RowNorms<float> norms(graph), decoded(graph);
  norms.compute(pool, refs);
  refs[3] = {.stored = &half};
  decoded.compute(pool, refs);
  size_t node = 0;
  while (graph.nodes[node].op != OpKind::dora) ++node;
  for (int64_t o = 0; o < kWidth; ++o) {
    double sum = 0;
    for (int64_t i = 0; i < 40; ++i) {
      double x = values[3][static_cast<size_t>(o * 40 + i)];
      for (int64_t r = 0; r < 3; ++r)
        x += 0.5 * double{values[6][static_cast<size_t>(o * 3 + r)]} *
             double{values[5][static_cast<size_t>(r * 40 + i)]};
      sum += x * x;
    }
    EXPECT_NEAR(norms.of(node)[o], o == 5 ? 1 : std::sqrt(sum), 1e-6);
    EXPECT_EQ(norms.of(node)[o], decoded.of(node)[o]);
  }
  norms.put_into(refs);
  EXPECT_EQ(refs[7].row_norms, norms.of(node));
}

}  // namespace
}  // namespace avocado::graph
