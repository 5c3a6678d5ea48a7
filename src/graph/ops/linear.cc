#include "kernels/linear/linear.h"

#include <type_traits>

#include "graph/op.h"
#include "kernels/linear/linear_bf16.h"

namespace avocado::graph {
namespace {

// Weights in blocks read x rounded to 8 bits. Nodes of a step read the same x, which is rounded
// once.
template <class T>
void start(std::span<OpContext<T>> together) {
  std::vector<const kernels::QuantizedWeight*> weights;
  for (OpContext<T>& c : together)
    if (c.weight(0).quantized) weights.push_back(c.weight(0).quantized);
  if (!weights.empty()) together[0].rounded->reserve(weights, together[0].rows);
  for (OpContext<T>& c : together)
    if (weights.empty() || c.weight(0).quantized != weights[0]) c.rounded = nullptr;
}

template <class T>
void rows(OpContext<T>& c) {
  if constexpr (std::is_same_v<T, float>)
    if (c.rounded) c.rounded->quantize(c.in[0], c.first_row, c.rows);
}

template <class T>
void finish(std::span<OpContext<T>> together) {
  std::vector<kernels::QuantizedProduct> products;
  const kernels::QuantizedInput* rounded = nullptr;
  for (OpContext<T>& c : together) {
    const WeightRef<T>& w = c.weight(0);
    const Weight& shape = c.graph.weights[c.node.weights[0]];
    const T* bias = c.node.weights.size() > 1 ? c.weight(1).data : nullptr;
    if constexpr (std::is_same_v<T, float>) {
      if (c.rounded) rounded = c.rounded;
      if (w.quantized) {
        products.push_back({w.quantized, bias, c.out});
        continue;
      }
      if (w.packed) {
        kernels::linear(*c.pool, c.in[0], *w.packed, bias, c.out, c.rows);
        continue;
      }
      if (c.bf16) {
        kernels::linear_bf16(*c.pool, c.in[0], w.data, bias, c.out, c.rows, shape.rows, shape.cols);
        continue;
      }
    }
    kernels::linear(*c.pool, c.in[0], w.data, bias, c.out, c.rows, shape.rows, shape.cols);
  }
  if (rounded) kernels::linear(*together[0].pool, *rounded, products);
}

template <class T>
void backward(OpContext<T>& c) {
  const WeightRef<T>& w = c.weight(0);
  const Weight& shape = c.graph.weights[c.node.weights[0]];
  const int64_t rows = shape.rows, cols = shape.cols;
  if (c.node.weights.size() > 1 && c.weight(1).grad)
    kernels::linear_backward_bias(*c.pool, c.dout, c.weight(1).grad, c.rows, rows);
  if constexpr (std::is_same_v<T, float>) {
    if (c.bf16) {
      if (w.grad)
        kernels::linear_backward_weight_bf16(*c.pool, c.dout, c.in[0], w.grad, c.rows, rows, cols);
      kernels::linear_backward_input_bf16(*c.pool, c.dout, w.data, c.din[0], c.rows, rows, cols,
                                          c.din_add[0]);
      return;
    }
  }
  if (w.grad) kernels::linear_backward_weight(*c.pool, c.dout, c.in[0], w.grad, c.rows, rows, cols);
  kernels::linear_backward_input(*c.pool, c.dout, w.data, c.din[0], c.rows, rows, cols,
                                 c.din_add[0]);
}

}  // namespace

template <class T>
Op<T> linear_op() {
  return {{.name = "linear", .keeps_inputs = true, .adds_gradient = true},
          rows<T>,
          backward<T>,
          start<T>,
          finish<T>};
}
template Op<float> linear_op();
template Op<double> linear_op();

}  // namespace avocado::graph
