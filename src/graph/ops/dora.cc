#include "graph/op.h"
#include "kernels/adapters/adapters.h"

namespace avocado::graph {
namespace {

// Weights of the node: the magnitude, W, A, B and perhaps a bias. W, A and B are read by whoever
// computes the norms (adapters.h).
template <class T>
kernels::DoraWeights<T> weights_of(const OpContext<T>& c) {
  return {c.weight(0).data, c.weight(0).row_norms,
          c.node.weights.size() > 4 ? c.weight(4).data : nullptr, c.node.scale};
}

template <class T>
void forward(OpContext<T>& c) {
  kernels::dora(*c.pool, c.in[0], c.in[1], weights_of(c), c.out, c.rows, c.width());
}

template <class T>
void backward(OpContext<T>& c) {
  kernels::dora_backward(*c.pool, c.in[0], c.in[1], weights_of(c), c.dout,
                         {c.din[0], c.din[1], c.weight(0).grad}, c.rows, c.width());
}

}  // namespace

template <class T>
Op<T> dora_op() {
  return {{.name = "dora", .in_place = true, .keeps_inputs = true, .spares_inputs = true},
          forward<T>,
          backward<T>};
}
template Op<float> dora_op();
template Op<double> dora_op();

}  // namespace avocado::graph
