#pragma once
// A small decoder for the tests of this room.

#include <string>

#include "graph/graph.h"

namespace avocado::graph {

// Layers with everything a layer can have, and a head tied to the embedding table.
inline Graph small_graph(int layers, int64_t vocab = 11) {
  Graph g;
  g.rope = {.dim = 4, .frequencies = {1.0, 0.1}};
  Builder b(g);
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t cols) {
    return b.weight({.name = name, .hf_name = name, .rows = rows, .cols = cols, .matrix = true});
  };
  const auto vector = [&](const std::string& name, int64_t n) {
    return b.weight({.name = name, .hf_name = name, .rows = 1, .cols = n, .init = Init::ones});
  };
  const WeightId table = matrix("table", vocab, 8);
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

}  // namespace avocado::graph
