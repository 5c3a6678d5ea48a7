#include "kernels/attention/attention.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "graph/op.h"

namespace avocado::graph {
namespace {

template <class T>
kernels::AttentionShape shape_of(const OpContext<T>& c) {
  kernels::AttentionShape shape = c.node.attention;
  shape.cache = c.batch.cache;
  return shape;
}

// Writes the keys and values of these rows to the pages.
template <class T>
void rows(OpContext<T>& c) {
  const int64_t end = c.first_row + c.rows;
  std::vector<kernels::AttentionSequence> part;
  for (const kernels::AttentionSequence& s : c.sequences) {
    const int64_t from = std::max(s.first_row, c.first_row),
                  to = std::min(s.first_row + s.count, end);
    if (from < to)
      part.push_back({.first_row = from - c.first_row,
                      .count = to - from,
                      .start = s.start + from - s.first_row,
                      .pages = s.pages});
  }
  kernels::attention_store(*c.pool, shape_of(c), c.in[1], c.in[2], part);
}

template <class T>
void finish(std::span<OpContext<T>> together) {
  for (OpContext<T>& c : together)
    kernels::attention(*c.pool, shape_of(c), c.in[0], c.out, c.saved, c.sequences);
}

// Training shares one layer's pages among all layers, so they are filled again first.
template <class T>
void backward(OpContext<T>& c) {
  kernels::attention_store(*c.pool, c.node.attention, c.in[1], c.in[2], c.sequences);
  kernels::attention_backward(*c.pool, c.node.attention, c.in[0], static_cast<const T*>(c.out),
                              c.saved, c.dout, c.din[0], c.din[1], c.din[2], c.sequences);
}

}  // namespace

template <class T>
Op<T> attention_op() {
  return {{.name = "attention",
           .keeps_inputs = true,
           .keeps_output = true,
           .saved_width = [](const Node& node) { return node.attention.heads; }},
          rows<T>,
          backward<T>,
          nullptr,
          finish<T>};
}
template Op<float> attention_op();
template Op<double> attention_op();

}  // namespace avocado::graph
