#include "kernels/add/add.h"

#include <algorithm>

#include "graph/op.h"

namespace avocado::graph {
namespace {

template <class T>
void forward(OpContext<T>& c) {
  kernels::add(*c.pool, c.in[0], c.in[1], c.out, c.rows * c.width());
}

// The gradient passes to both sides unchanged; where it may lie in the same memory nothing is
// moved.
template <class T>
void backward(OpContext<T>& c) {
  const int64_t count = c.rows * c.width();
  for (size_t i = 0; i < 2; ++i) {
    if (c.din_add[i])
      kernels::add(*c.pool, c.din[i], c.dout, c.din[i], count);
    else if (c.din[i] != c.dout)
      c.pool->run_chunks(count, 1 << 16, [&](int64_t begin, int64_t end) {
        std::copy(c.dout + begin, c.dout + end, c.din[i] + begin);
      });
  }
}

}  // namespace

template <class T>
Op<T> add_op() {
  return {{.name = "add", .in_place = true, .adds_gradient = true}, forward<T>, backward<T>};
}
template Op<float> add_op();
template Op<double> add_op();

}  // namespace avocado::graph
