#include "kernels/swiglu/swiglu.h"

#include "graph/op.h"

namespace avocado::graph {
namespace {

template <class T>
void forward(OpContext<T>& c) {
  kernels::swiglu(*c.pool, c.in[0], c.in[1], c.out, c.rows * c.width());
}

template <class T>
void backward(OpContext<T>& c) {
  kernels::swiglu_backward(*c.pool, c.in[0], c.in[1], c.dout, c.din[0], c.din[1],
                           c.rows * c.width());
}

}  // namespace

template <class T>
Op<T> swiglu_op() {
  return {{.name = "swiglu", .in_place = true, .keeps_inputs = true}, forward<T>, backward<T>};
}
template Op<float> swiglu_op();
template Op<double> swiglu_op();

}  // namespace avocado::graph
