#include "graph/steps.h"

#include <gtest/gtest.h>

namespace avocado::graph {
namespace {

// One layer with an attention, a head for chosen rows.
Graph layer() {
  Graph g;
  g.rope = {.dim = 4, .frequencies = {1.0, 0.1}};
  Builder b(g);
  const auto matrix = [&](const std::string& name, int64_t rows) {
    return b.weight({.name = "blk.0." + name + ".weight",
                     .hf_name = name,
                     .rows = rows,
                     .cols = 8,
                     .matrix = true});
  };
  const WeightId norm =
      b.weight({.name = "norm", .hf_name = "norm", .rows = 1, .cols = 8, .init = Init::ones});
  const WeightId table = matrix("table", 11);
  ValueId x = b.embed(table);
  const ValueId h = b.rms_norm(x, norm);
  const ValueId q = b.linear(h, matrix("attn_q", 8)), k = b.linear(h, matrix("attn_k", 4)),
                v = b.linear(h, matrix("attn_v", 4));
  const ValueId mixed = b.attention(b.rope(q, 2), b.rope(k, 1), v,
                                    {.heads = 2, .kv_heads = 1, .head_dim = 4, .scale = 0.5});
  x = b.add(x, b.linear(mixed, matrix("attn_output", 8)));
  b.finish(b.linear(b.rms_norm(b.select(x), norm), table));
  return g;
}

std::vector<std::string> names(const Graph& g) {
  std::vector<std::string> all;
  for (const Step& step : plan_steps(g)) all.push_back(step_name(g, step));
  return all;
}

TEST(Steps, ChainsOperationsOnRowsAndJoinsProductsOfTheSameValue) {
  EXPECT_EQ(names(layer()),
            (std::vector<std::string>{"embed + rms_norm + linear attn_q, attn_k, attn_v",
                                      "rope + rope + attention", "linear attn_output", "add",
                                      "select + rms_norm + linear table"}));
}

TEST(Steps, ANodeIsAStepByItself) {
  const Graph g = layer();
  EXPECT_EQ(step_name(g, single_step(g, 1)), "rms_norm");
  EXPECT_EQ(step_name(g, single_step(g, 2)), "linear attn_q");
}

}  // namespace
}  // namespace avocado::graph
