// select: the rows of the tokens whose logits are wanted, so that the last norm and the head, often
// the largest matrix, run for them only.

#include <algorithm>

#include "graph/op.h"

namespace avocado::graph {
namespace {

constexpr int64_t kRowsPerTask = 64;

template <class T>
void forward(OpContext<T>& c) {
  const int64_t width = c.width();
  for (int64_t r = 0; r < c.rows; ++r)
    std::copy_n(c.in[0] + c.batch.wanted[c.first_row + r] * width, width, c.out + r * width);
}

// Wanted rows are ascending and distinct, so each gradient row has one source or none.
template <class T>
void backward(OpContext<T>& c) {
  const int64_t width = c.width();
  const auto& wanted = c.batch.wanted;
  c.pool->run_chunks(c.tokens, kRowsPerTask, [&](int64_t begin, int64_t end) {
    auto next = std::lower_bound(wanted.begin(), wanted.end(), static_cast<int32_t>(begin));
    for (int64_t row = begin; row < end; ++row) {
      T* dx = c.din[0] + row * width;
      if (next != wanted.end() && *next == row)
        std::copy_n(c.dout + (next++ - wanted.begin()) * width, width, dx);
      else
        std::fill_n(dx, width, T{0});
    }
  });
}

}  // namespace

template <class T>
Op<T> select_op() {
  return {{.name = "select"}, forward<T>, backward<T>};
}
template Op<float> select_op();
template Op<double> select_op();

}  // namespace avocado::graph
