#include "kernels/embed/embed.h"

#include <type_traits>

#include "base/error.h"
#include "graph/op.h"

namespace avocado::graph {
namespace {

// Rows of a table that stays in its stored type.
void decode_rows(ThreadPool& pool, const TensorView& table, std::span<const int32_t> ids, float* y,
                 int64_t width) {
  const DTypeTraits* traits = dtype_traits(table.type);
  const uint64_t row_bytes = *dtype_bytes(table.type, width);
  pool.run_chunks(static_cast<int64_t>(ids.size()), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      traits->to_f32(table.data.data() + static_cast<uint64_t>(ids[i]) * row_bytes, y + i * width,
                     width);
  });
}

template <class T>
void forward(OpContext<T>& c) {
  const WeightRef<T>& table = c.weight(0);
  if (table.data) {
    kernels::embed(c.pool, c.batch.ids.data(), table.data, c.out, c.tokens, c.width());
    return;
  }
  if constexpr (std::is_same_v<T, float>)
    decode_rows(c.pool, *table.stored, c.batch.ids, c.out, c.width());
  else
    fail_usage("embed: a table in its stored type is read as float only");
}

template <class T>
void backward(OpContext<T>& c) {
  if (T* grad = c.weight(0).grad)
    kernels::embed_backward(c.pool, c.batch.ids.data(), c.dout, grad, c.tokens, c.width());
}

}  // namespace

template <class T>
Op<T> embed_op() {
  return {{.name = "embed"}, forward<T>, backward<T>};
}
template Op<float> embed_op();
template Op<double> embed_op();

}  // namespace avocado::graph
