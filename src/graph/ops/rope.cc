#include "kernels/rope/rope.h"

#include "graph/op.h"

namespace avocado::graph {
namespace {

template <class T>
void turn(OpContext<T>& c, const T* x, T* y, bool inverse) {
  kernels::rope(*c.pool, x, c.cos_sin + c.first_row * c.graph.rope.dim, y, c.rows, c.node.heads,
                c.width() / c.node.heads, c.graph.rope.dim, c.graph.rope.style, inverse);
}

template <class T>
void forward(OpContext<T>& c) {
  turn(c, c.in[0], c.out, false);
}

template <class T>
void backward(OpContext<T>& c) {
  turn(c, c.dout, c.din[0], true);
}

}  // namespace

template <class T>
Op<T> rope_op() {
  return {{.name = "rope", .in_place = true}, forward<T>, backward<T>};
}
template Op<float> rope_op();
template Op<double> rope_op();

}  // namespace avocado::graph
