#include "kernels/attention/attention.h"

#include "graph/op.h"

namespace avocado::graph {
namespace {

template <class T>
void forward(OpContext<T>& c) {
  kernels::AttentionShape shape = c.node.attention;
  shape.cache = c.batch.cache;
  kernels::attention_store(c.pool, shape, c.in[1], c.in[2], c.sequences);
  kernels::attention(c.pool, shape, c.in[0], c.out, c.saved, c.sequences);
}

// Training shares one layer's pages among all layers, so they are filled again first.
template <class T>
void backward(OpContext<T>& c) {
  kernels::attention_store(c.pool, c.node.attention, c.in[1], c.in[2], c.sequences);
  kernels::attention_backward(c.pool, c.node.attention, c.in[0], static_cast<const T*>(c.out),
                              c.saved, c.dout, c.din[0], c.din[1], c.din[2], c.sequences);
}

}  // namespace

template <class T>
Op<T> attention_op() {
  return {{.name = "attention",
           .keeps_inputs = true,
           .keeps_output = true,
           .saved_width = [](const Node& node) { return node.attention.heads; }},
          forward<T>,
          backward<T>};
}
template Op<float> attention_op();
template Op<double> attention_op();

}  // namespace avocado::graph
