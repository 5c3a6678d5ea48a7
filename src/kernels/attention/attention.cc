#include "kernels/attention/attention.h"

#include "base/error.h"
#include "kernels/attention/reference.h"

namespace avocado::kernels {
namespace {

void check(const AttentionShape& shape) {
  if (shape.heads <= 0 || shape.kv_heads <= 0 || shape.head_dim <= 0 ||
      shape.heads % shape.kv_heads != 0 || shape.window < 0) {
    fail_usage(
        "attention: heads {}, kv_heads {}, head_dim {}, window {}: sizes must be positive, heads a "
        "multiple of kv_heads, and the window not negative",
        shape.heads, shape.kv_heads, shape.head_dim, shape.window);
  }
}

}  // namespace

template <class T>
void attention_store(ThreadPool& pool, const AttentionShape& shape, const T* k, const T* v,
                     std::span<const AttentionSequence<T>> sequences) {
  check(shape);
  const int64_t dim = shape.head_dim;
  const auto tasks = static_cast<int64_t>(sequences.size()) * shape.kv_heads;
  pool.run(tasks, [&](int64_t task) {
    const AttentionSequence<T>& sequence = sequences[static_cast<size_t>(task / shape.kv_heads)];
    const int64_t kv_head = task % shape.kv_heads;
    for (int64_t i = 0; i < sequence.count; ++i) {
      const int64_t position = sequence.start + i, lane = position % kTile;
      T* keys = sequence.pages[position / kTile] + kv_head * 2 * dim * kTile;
      T* values = keys + dim * kTile;
      const int64_t row = ((sequence.first_row + i) * shape.kv_heads + kv_head) * dim;
      for (int64_t d = 0; d < dim; ++d) keys[d * kTile + lane] = k[row + d];
      for (int64_t d = 0; d < dim; ++d) values[lane * dim + d] = v[row + d];
    }
  });
}

template <class T>
void attention(ThreadPool& pool, const AttentionShape& shape, const T* q, T* out, T* lse,
               std::span<const AttentionSequence<T>> sequences) {
  check(shape);
  const int64_t group = shape.heads / shape.kv_heads;
  const auto tasks = static_cast<int64_t>(sequences.size()) * shape.heads;
  pool.run(tasks, [&](int64_t task) {
    const AttentionSequence<T>& sequence = sequences[static_cast<size_t>(task / shape.heads)];
    const int64_t head = task % shape.heads;
    for (int64_t i = 0; i < sequence.count; ++i) {
      const int64_t row = (sequence.first_row + i) * shape.heads + head;
      const T total = reference::attention_query<T>(shape, q + row * shape.head_dim, sequence.pages,
                                                    head / group, sequence.start + i,
                                                    out + row * shape.head_dim);
      if (lse) lse[row] = total;
    }
  });
}

template <class T>
void attention_backward(ThreadPool& pool, const AttentionShape& shape, const T* q, const T* out,
                        const T* lse, const T* dout, T* dq, T* dk, T* dv,
                        std::span<const AttentionSequence<T>> sequences) {
  check(shape);
  const auto tasks = static_cast<int64_t>(sequences.size()) * shape.kv_heads;
  pool.run(tasks, [&](int64_t task) {
    const AttentionSequence<T>& sequence = sequences[static_cast<size_t>(task / shape.kv_heads)];
    const int64_t row = sequence.first_row * shape.heads;
    const int64_t at = row * shape.head_dim;
    const int64_t kv_at = sequence.first_row * shape.kv_heads * shape.head_dim;
    reference::attention_backward_head<T>(shape, sequence, task % shape.kv_heads, q + at, out + at,
                                          lse + row, dout + at, dq + at, dk + kv_at, dv + kv_at);
  });
}

template void attention_store(ThreadPool&, const AttentionShape&, const float*, const float*,
                              std::span<const AttentionSequence<float>>);
template void attention_store(ThreadPool&, const AttentionShape&, const double*, const double*,
                              std::span<const AttentionSequence<double>>);
template void attention(ThreadPool&, const AttentionShape&, const float*, float*, float*,
                        std::span<const AttentionSequence<float>>);
template void attention(ThreadPool&, const AttentionShape&, const double*, double*, double*,
                        std::span<const AttentionSequence<double>>);
template void attention_backward(ThreadPool&, const AttentionShape&, const float*, const float*,
                                 const float*, const float*, float*, float*, float*,
                                 std::span<const AttentionSequence<float>>);
template void attention_backward(ThreadPool&, const AttentionShape&, const double*, const double*,
                                 const double*, const double*, double*, double*, double*,
                                 std::span<const AttentionSequence<double>>);

}  // namespace avocado::kernels
