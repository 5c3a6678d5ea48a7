#include "kernels/attention/attention.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "kernels/attention/block.h"
#include "kernels/attention/reference.h"
#include "kernels/attention/rotate.h"
#include "kernels/implementations.h"
#include "kernels/reference.h"
#include "tensor/buffer.h"

namespace avocado::kernels {
namespace {

using Provide = const AttentionKernels*();

const AttentionKernels* no_kernels() { return nullptr; }

}  // namespace

AVOCADO_IMPLEMENTATIONS(kKernels, "attention", attention_kernels, Provide, no_kernels)

namespace {

// The scalar reference for float, in a form that FMA instructions can serve (reference.h).
AVOCADO_FMA_CLONES float query(const AttentionShape& shape, const float* q, std::byte* const* pages,
                               int64_t kv_head, int64_t position, float* out) {
  return reference::attention_query<float>(shape, q, pages, kv_head, position, out);
}
AVOCADO_FMA_CLONES void backward_head(const AttentionShape& shape,
                                      const AttentionSequence& sequence, int64_t kv_head,
                                      const float* q, const float* out, const float* lse,
                                      const float* dout, float* dq, float* dk, float* dv) {
  reference::attention_backward_head<float>(shape, sequence, kv_head, q, out, lse, dout, dq, dk,
                                            dv);
}
double query(const AttentionShape& shape, const double* q, std::byte* const* pages, int64_t kv_head,
             int64_t position, double* out) {
  return reference::attention_query<double>(shape, q, pages, kv_head, position, out);
}
void backward_head(const AttentionShape& shape, const AttentionSequence& sequence, int64_t kv_head,
                   const double* q, const double* out, const double* lse, const double* dout,
                   double* dq, double* dk, double* dv) {
  reference::attention_backward_head<double>(shape, sequence, kv_head, q, out, lse, dout, dq, dk,
                                             dv);
}

// Of the calling thread alone: results of tiles and rotated queries, shared with the tasks that it
// starts, and what a task needs.
float* partials_scratch(size_t floats) {
  thread_local Buffer<float> scratch;
  scratch.reserve(floats);
  return scratch.data();
}
Buffer<float>& rotated_scratch() {
  thread_local Buffer<float> scratch;
  return scratch;
}
float* task_scratch(size_t floats) {
  thread_local Buffer<float> scratch;
  scratch.reserve(floats);
  return scratch.data();
}

AttentionBlock block_of(const AttentionShape& shape, const AttentionSequence& sequence,
                        int64_t kv_head) {
  AttentionBlock block;
  block.pages = reinterpret_cast<const char* const*>(sequence.pages);
  block.layout = reference::head_layout<float>(shape);
  block.page_offset = kv_head * block.layout.bytes;
  block.key_type = shape.cache.k;
  block.value_type = shape.cache.v;
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

// Query rows (positions times heads of a group) of one task: enough to make floats of a tile of the
// cache worth it.
constexpr int64_t kTaskRows = 224;
// When there are fewer tasks than this, those of few rows are cut into runs of tiles, whose results
// are then merged in order: the same sum.
constexpr int64_t kFewTasks = 64;
constexpr int64_t kFewRows = 16;
constexpr int64_t kRunTiles = 16;

class Forward {
 public:
  Forward(ThreadPool& pool, const AttentionKernels& kernels, const AttentionShape& shape,
          const float* q, float* out, float* lse)
      : pool_(pool), kernels_(kernels), shape_(shape), q_(q), out_(out), lse_(lse) {}

  void run(std::span<const AttentionSequence> sequences) {
    const int64_t group = shape_.heads / shape_.kv_heads;
    const int64_t step = std::max<int64_t>(1, kTaskRows / group);
    std::vector<Task> tasks;
    for (const AttentionSequence& s : sequences)
      for (int64_t i = 0; i < s.count; i += step)
        tasks.push_back({&s, i, std::min(step, s.count - i)});
    const bool few = static_cast<int64_t>(tasks.size()) * shape_.kv_heads < kFewTasks;
    const auto cut = std::partition(tasks.begin(), tasks.end(), [&](const Task& task) {
      return !few || task.count * group > kFewRows || tiles(task) <= kRunTiles;
    });
    run_cut({cut, tasks.end()});
    tasks.erase(cut, tasks.end());
    // Late positions have more keys and go first, so that the threads end together.
    std::stable_sort(tasks.begin(), tasks.end(),
                     [&](const Task& a, const Task& b) { return tiles(a) > tiles(b); });
    pool_.run(static_cast<int64_t>(tasks.size()) * shape_.kv_heads, [&](int64_t i) {
      AttentionBlock block =
          block_at(tasks[static_cast<size_t>(i / shape_.kv_heads)], i % shape_.kv_heads);
      block.scratch = task_scratch(kernels_.forward_scratch(block));
      kernels_.forward(block);
    });
  }

 private:
  struct Task {
    const AttentionSequence* sequence;
    int64_t begin, count;
  };

  int64_t tile_begin(const Task& task) const {
    return reference::first_key(shape_, task.sequence->start + task.begin) / kTile;
  }
  int64_t tile_end(const Task& task) const {
    return (task.sequence->start + task.begin + task.count - 1) / kTile + 1;
  }
  int64_t tiles(const Task& task) const { return tile_end(task) - tile_begin(task); }

  AttentionBlock block_at(const Task& task, int64_t kv_head) const {
    AttentionBlock block = block_of(shape_, *task.sequence, kv_head);
    const int64_t row =
        (task.sequence->first_row + task.begin) * shape_.heads + kv_head * block.group;
    block.start += task.begin;
    block.count = task.count;
    block.q = q_ + row * shape_.head_dim;
    block.out = out_ + row * shape_.head_dim;
    block.lse = lse_ ? lse_ + row : nullptr;
    block.tile_begin = tile_begin(task);
    block.tile_end = tile_end(task);
    return block;
  }

  // Every tile of the tasks gives its own result, in runs of tiles; then each row merges them.
  void run_cut(std::span<const Task> tasks) {
    if (tasks.empty()) return;
    std::vector<AttentionBlock> heads;
    std::vector<AttentionBlock> runs;
    size_t floats = 0;
    for (const Task& task : tasks) {
      for (int64_t h = 0; h < shape_.kv_heads; ++h) {
        heads.push_back(block_at(task, h));
        floats += kernels_.partial_floats(heads.back()) * static_cast<size_t>(tiles(task));
      }
    }
    float* partials = partials_scratch(floats);
    for (AttentionBlock& head : heads) {
      head.partials = partials;
      const size_t one = kernels_.partial_floats(head);
      for (int64_t tile = head.tile_begin; tile < head.tile_end; tile += kRunTiles) {
        AttentionBlock run = head;
        run.tile_begin = tile;
        run.tile_end = std::min(tile + kRunTiles, head.tile_end);
        run.partials = partials;
        runs.push_back(run);
        partials += one * static_cast<size_t>(run.tile_end - tile);
      }
    }
    pool_.run(static_cast<int64_t>(runs.size()), [&](int64_t i) {
      AttentionBlock block = runs[static_cast<size_t>(i)];
      block.scratch = task_scratch(kernels_.forward_scratch(block));
      kernels_.forward(block);
    });
    std::vector<std::pair<const AttentionBlock*, int64_t>> rows;
    for (const AttentionBlock& head : heads)
      for (int64_t r = 0; r < head.count * head.group; ++r) rows.emplace_back(&head, r);
    pool_.run(static_cast<int64_t>(rows.size()), [&](int64_t i) {
      const auto& [head, row] = rows[static_cast<size_t>(i)];
      AttentionBlock block = *head;
      block.scratch = task_scratch(kernels_.forward_scratch(block));
      kernels_.merge(block, row);
    });
  }

  ThreadPool& pool_;
  const AttentionKernels& kernels_;
  const AttentionShape& shape_;
  const float* q_;
  float *out_, *lse_;
};

void backward(ThreadPool& pool, const AttentionKernels& kernels, const AttentionShape& shape,
              const float* q, const float* out, const float* lse, const float* dout, float* dq,
              float* dk, float* dv, std::span<const AttentionSequence> sequences) {
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

}  // namespace

const char* cache_type_name(CacheType type) {
  switch (type) {
    case CacheType::f32:
      return "f32";
    case CacheType::f16:
      return "f16";
    case CacheType::bf16:
      return "bf16";
    case CacheType::q8_0:
      return "q8_0";
    case CacheType::q4_0:
      break;
  }
  return "q4_0";
}

template <class T>
int64_t AttentionShape::page_bytes() const {
  return kv_heads * reference::head_layout<T>(*this).bytes;
}
template int64_t AttentionShape::page_bytes<float>() const;
template int64_t AttentionShape::page_bytes<double>() const;

template <class T>
void attention(ThreadPool& pool, const AttentionShape& shape, const T* q, T* out, T* lse,
               std::span<const AttentionSequence> sequences) {
  reference::check_attention<T>(shape);
  if constexpr (std::is_same_v<T, float>) {
    if (shape.cache.hadamard) {
      AttentionShape plain = shape;
      plain.cache.hadamard = false;
      const float* hq = rotate(pool, q, shape.heads, shape.head_dim, sequences, rotated_scratch());
      attention(pool, plain, hq, out, lse, sequences);
      rotate(pool, out, out, shape.heads, shape.head_dim, sequences);
      return;
    }
    if (const AttentionKernels* kernels = kKernels.pick()()) {
      Forward(pool, *kernels, shape, q, out, lse).run(sequences);
      return;
    }
  }
  const int64_t group = shape.heads / shape.kv_heads;
  const auto tasks = static_cast<int64_t>(sequences.size()) * shape.heads;
  pool.run(tasks, [&](int64_t task) {
    const AttentionSequence& sequence = sequences[static_cast<size_t>(task / shape.heads)];
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
                        std::span<const AttentionSequence> sequences) {
  reference::check_attention<T>(shape);
  if (!reference::is_plain(shape.cache))
    fail_usage("attention: gradients need a cache of f32 without rotation");
  if constexpr (std::is_same_v<T, float>) {
    if (const AttentionKernels* kernels = kKernels.pick()()) {
      backward(pool, *kernels, shape, q, out, lse, dout, dq, dk, dv, sequences);
      return;
    }
  }
  const auto tasks = static_cast<int64_t>(sequences.size()) * shape.kv_heads;
  pool.run(tasks, [&](int64_t task) {
    const AttentionSequence& sequence = sequences[static_cast<size_t>(task / shape.kv_heads)];
    const int64_t row = sequence.first_row * shape.heads;
    const int64_t at = row * shape.head_dim;
    const int64_t kv_at = sequence.first_row * shape.kv_heads * shape.head_dim;
    backward_head(shape, sequence, task % shape.kv_heads, q + at, out + at, lse + row, dout + at,
                  dq + at, dk + kv_at, dv + kv_at);
  });
}

template void attention(ThreadPool&, const AttentionShape&, const float*, float*, float*,
                        std::span<const AttentionSequence>);
template void attention(ThreadPool&, const AttentionShape&, const double*, double*, double*,
                        std::span<const AttentionSequence>);
template void attention_backward(ThreadPool&, const AttentionShape&, const float*, const float*,
                                 const float*, const float*, float*, float*, float*,
                                 std::span<const AttentionSequence>);
template void attention_backward(ThreadPool&, const AttentionShape&, const double*, const double*,
                                 const double*, const double*, double*, double*, double*,
                                 std::span<const AttentionSequence>);

}  // namespace avocado::kernels
