#include "kernels/linear/linear.h"

#include <type_traits>

#include "graph/op.h"

namespace avocado::graph {
namespace {

template <class T>
void forward(OpContext<T>& c) {
  const WeightRef<T>& w = c.weight(0);
  const T* bias = c.node.weights.size() > 1 ? c.weight(1).data : nullptr;
  if constexpr (std::is_same_v<T, float>) {
    if (w.quantized) return kernels::linear(c.pool, c.in[0], *w.quantized, bias, c.out, c.rows());
    if (w.packed) return kernels::linear(c.pool, c.in[0], *w.packed, bias, c.out, c.rows());
  }
  const Weight& shape = c.graph.weights[c.node.weights[0]];
  kernels::linear(c.pool, c.in[0], w.data, bias, c.out, c.rows(), shape.rows, shape.cols);
}

template <class T>
void backward(OpContext<T>& c) {
  const WeightRef<T>& w = c.weight(0);
  const Weight& shape = c.graph.weights[c.node.weights[0]];
  if (w.grad)
    kernels::linear_backward_weight(c.pool, c.dout, c.in[0], w.grad, c.rows(), shape.rows,
                                    shape.cols);
  if (c.node.weights.size() > 1 && c.weight(1).grad)
    kernels::linear_backward_bias(c.pool, c.dout, c.weight(1).grad, c.rows(), shape.rows);
  kernels::linear_backward_input(c.pool, c.dout, w.data, c.din[0], c.rows(), shape.rows, shape.cols,
                                 c.din_add[0]);
}

}  // namespace

template <class T>
Op<T> linear_op() {
  return {{.name = "linear", .keeps_inputs = true, .adds_gradient = true}, forward<T>, backward<T>};
}
template Op<float> linear_op();
template Op<double> linear_op();

}  // namespace avocado::graph
