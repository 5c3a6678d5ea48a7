#include "kernels/embed/embed.h"

#include <type_traits>

#include "base/error.h"
#include "graph/op.h"

namespace avocado::graph {
namespace {

template <class T>
void forward(OpContext<T>& c) {
  const WeightRef<T>& table = c.weight(0);
  const int32_t* ids = c.batch.ids.data() + c.first_row;
  if (table.data) {
    kernels::embed(*c.pool, ids, table.data, c.out, c.rows, c.width());
    return;
  }
  if constexpr (std::is_same_v<T, float>) {
    // The table stays in its stored type.
    const DTypeTraits* traits = dtype_traits(table.stored->type);
    const uint64_t row_bytes = *dtype_bytes(table.stored->type, c.width());
    for (int64_t i = 0; i < c.rows; ++i)
      traits->to_f32(table.stored->data.data() + static_cast<uint64_t>(ids[i]) * row_bytes,
                     c.out + i * c.width(), c.width());
  } else {
    fail_usage("embed: a table in its stored type is read as float only");
  }
}

template <class T>
void backward(OpContext<T>& c) {
  if (T* grad = c.weight(0).grad)
    kernels::embed_backward(*c.pool, c.batch.ids.data(), c.dout, grad, c.tokens, c.width());
}

}  // namespace

template <class T>
Op<T> embed_op() {
  return {{.name = "embed"}, forward<T>, backward<T>};
}
template Op<float> embed_op();
template Op<double> embed_op();

}  // namespace avocado::graph
