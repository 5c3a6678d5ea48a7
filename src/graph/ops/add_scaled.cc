#include <algorithm>

#include "graph/op.h"
#include "kernels/adapters/adapters.h"

namespace avocado::graph {
namespace {

template <class T>
void forward(OpContext<T>& c) {
  kernels::add_scaled(*c.pool, c.in[0], c.in[1], c.node.scale, c.out, c.rows * c.width());
}

template <class T>
void backward(OpContext<T>& c) {
  const int64_t count = c.rows * c.width();
  if (c.din[1]) kernels::scale(*c.pool, c.dout, c.node.scale, c.din[1], count);
  if (!c.din[0]) return;
  c.pool->run_chunks(count, 1 << 16, [&](int64_t begin, int64_t end) {
    std::copy(c.dout + begin, c.dout + end, c.din[0] + begin);
  });
}

}  // namespace

template <class T>
Op<T> add_scaled_op() {
  return {{.name = "add_scaled", .in_place = true, .spares_inputs = true}, forward<T>, backward<T>};
}
template Op<float> add_scaled_op();
template Op<double> add_scaled_op();

}  // namespace avocado::graph
