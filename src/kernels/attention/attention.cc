#include "kernels/attention/attention.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "kernels/attention/block.h"
#include "kernels/attention/reference.h"
#include "kernels/implementations.h"
#include "kernels/reference.h"
#include "tensor/buffer.h"

namespace avocado::kernels {
namespace {

static_assert(kKeyTile == kTile);

using Provide = const AttentionKernels*();

const AttentionKernels* no_kernels() { return nullptr; }

}  // namespace

AVOCADO_IMPLEMENTATIONS(kKernels, "attention", attention_kernels, Provide, no_kernels)

namespace {

// The scalar reference for float, in a form that FMA instructions can serve (reference.h).
AVOCADO_FMA_CLONES float query(const AttentionShape& shape, const float* q, float* const* pages,
                               int64_t kv_head, int64_t position, float* out) {
  return reference::attention_query<float>(shape, q, pages, kv_head, position, out);
}
AVOCADO_FMA_CLONES void backward_head(const AttentionShape& shape,
                                      const AttentionSequence<float>& sequence, int64_t kv_head,
                                      const float* q, const float* out, const float* lse,
                                      const float* dout, float* dq, float* dk, float* dv) {
  reference::attention_backward_head<float>(shape, sequence, kv_head, q, out, lse, dout, dq, dk,
                                            dv);
}
double query(const AttentionShape& shape, const double* q, double* const* pages, int64_t kv_head,
             int64_t position, double* out) {
  return reference::attention_query<double>(shape, q, pages, kv_head, position, out);
}
void backward_head(const AttentionShape& shape, const AttentionSequence<double>& sequence,
                   int64_t kv_head, const double* q, const double* out, const double* lse,
                   const double* dout, double* dq, double* dk, double* dv) {
  reference::attention_backward_head<double>(shape, sequence, kv_head, q, out, lse, dout, dq, dk,
                                             dv);
}

float* task_scratch(size_t floats) {
  thread_local Buffer<float> scratch;
  scratch.reserve(floats);
  return scratch.data();
}

AttentionBlock block_of(const AttentionShape& shape, const AttentionSequence<float>& sequence,
                        int64_t kv_head) {
  AttentionBlock block;
  block.pages = sequence.pages;
  block.page_offset = kv_head * 2 * shape.head_dim * kTile;
  block.heads = shape.heads;
  block.kv_heads = shape.kv_heads;
  block.group = shape.heads / shape.kv_heads;
  block.dim = shape.head_dim;
  block.start = sequence.start;
  block.count = sequence.count;
  block.window = shape.window;
  block.scale = reference::attention_scale<float>(shape);
  return block;
}

void forward(ThreadPool& pool, const AttentionKernels& kernels, const AttentionShape& shape,
             const float* q, float* out, float* lse,
             std::span<const AttentionSequence<float>> sequences) {
  // One task: a block of positions for one kv head. Late positions have more keys and go first, so
  // that the threads end together.
  struct Task {
    const AttentionSequence<float>* sequence;
    int64_t begin;
  };
  std::vector<Task> tasks;
  for (const auto& sequence : sequences) {
    for (int64_t i = 0; i < sequence.count; i += kQueryBlock) tasks.push_back({&sequence, i});
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) {
    return a.sequence->start + a.begin > b.sequence->start + b.begin;
  });
  pool.run(static_cast<int64_t>(tasks.size()) * shape.kv_heads, [&](int64_t i) {
    const Task& task = tasks[static_cast<size_t>(i / shape.kv_heads)];
    const int64_t kv_head = i % shape.kv_heads;
    AttentionBlock block = block_of(shape, *task.sequence, kv_head);
    const int64_t row =
        (task.sequence->first_row + task.begin) * shape.heads + kv_head * block.group;
    block.start += task.begin;
    block.count = std::min(kQueryBlock, block.count - task.begin);
    block.q = q + row * shape.head_dim;
    block.out = out + row * shape.head_dim;
    block.lse = lse ? lse + row : nullptr;
    block.scratch = task_scratch(kernels.forward_scratch(block));
    kernels.forward(block);
  });
}

void backward(ThreadPool& pool, const AttentionKernels& kernels, const AttentionShape& shape,
              const float* q, const float* out, const float* lse, const float* dout, float* dq,
              float* dk, float* dv, std::span<const AttentionSequence<float>> sequences) {
  pool.run(static_cast<int64_t>(sequences.size()) * shape.kv_heads, [&](int64_t i) {
    const auto& sequence = sequences[static_cast<size_t>(i / shape.kv_heads)];
    const int64_t kv_head = i % shape.kv_heads;
    AttentionBlock block = block_of(shape, sequence, kv_head);
    const int64_t row = sequence.first_row * shape.heads + kv_head * block.group;
    const int64_t at = row * shape.head_dim;
    const int64_t kv_at = (sequence.first_row * shape.kv_heads + kv_head) * shape.head_dim;
    block.q = q + at;
    block.forward_out = out + at;
    block.forward_lse = lse + row;
    block.dout = dout + at;
    block.dq = dq + at;
    block.dk = dk + kv_at;
    block.dv = dv + kv_at;
    block.scratch = task_scratch(kernels.backward_scratch(block));
    kernels.backward(block);
  });
}

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
  if constexpr (std::is_same_v<T, float>) {
    if (const AttentionKernels* kernels = kKernels.pick()()) {
      forward(pool, *kernels, shape, q, out, lse, sequences);
      return;
    }
  }
  const int64_t group = shape.heads / shape.kv_heads;
  const auto tasks = static_cast<int64_t>(sequences.size()) * shape.heads;
  pool.run(tasks, [&](int64_t task) {
    const AttentionSequence<T>& sequence = sequences[static_cast<size_t>(task / shape.heads)];
    const int64_t head = task % shape.heads;
    for (int64_t i = 0; i < sequence.count; ++i) {
      const int64_t row = (sequence.first_row + i) * shape.heads + head;
      const T total = query(shape, q + row * shape.head_dim, sequence.pages, head / group,
                            sequence.start + i, out + row * shape.head_dim);
      if (lse) lse[row] = total;
    }
  });
}

template <class T>
void attention_backward(ThreadPool& pool, const AttentionShape& shape, const T* q, const T* out,
                        const T* lse, const T* dout, T* dq, T* dk, T* dv,
                        std::span<const AttentionSequence<T>> sequences) {
  check(shape);
  if constexpr (std::is_same_v<T, float>) {
    if (const AttentionKernels* kernels = kKernels.pick()()) {
      backward(pool, *kernels, shape, q, out, lse, dout, dq, dk, dv, sequences);
      return;
    }
  }
  const auto tasks = static_cast<int64_t>(sequences.size()) * shape.kv_heads;
  pool.run(tasks, [&](int64_t task) {
    const AttentionSequence<T>& sequence = sequences[static_cast<size_t>(task / shape.kv_heads)];
    const int64_t row = sequence.first_row * shape.heads;
    const int64_t at = row * shape.head_dim;
    const int64_t kv_at = sequence.first_row * shape.kv_heads * shape.head_dim;
    backward_head(shape, sequence, task % shape.kv_heads, q + at, out + at, lse + row, dout + at,
                  dq + at, dk + kv_at, dv + kv_at);
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
