#include "kernels/rms_norm/rms_norm.h"

#include "graph/op.h"

namespace avocado::graph {
namespace {

// With groups, each group of a row is a row of its own to the kernel.
template <class T>
void forward(OpContext<T>& c) {
  const int64_t groups = c.node.heads;
  kernels::rms_norm(*c.pool, c.in[0], c.weight(0).data, c.out, c.saved, c.rows * groups,
                    c.width() / groups, c.graph.norm_eps);
}

template <class T>
void backward(OpContext<T>& c) {
  const int64_t groups = c.node.heads;
  kernels::rms_norm_backward(*c.pool, c.in[0], c.weight(0).data, c.saved, c.dout, c.din[0],
                             c.weight(0).grad, c.rows * groups, c.width() / groups, c.din_add[0]);
}

}  // namespace

template <class T>
Op<T> rms_norm_op() {
  return {{.name = "rms_norm",
           .in_place = true,
           .keeps_inputs = true,
           .adds_gradient = true,
           .saved_width = [](const Node& node) { return node.heads; }},
          forward<T>,
          backward<T>};
}
template Op<float> rms_norm_op();
template Op<double> rms_norm_op();

}  // namespace avocado::graph
