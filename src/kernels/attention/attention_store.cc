// Writing keys and values into the pages of the cache.

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/attention/reference.h"
#include "kernels/attention/rotate.h"
#include "kernels/implementations.h"
#include "tensor/buffer.h"

namespace avocado::kernels {
namespace {

using Encode = void(CacheType, const float*, int64_t, void*, uint16_t*);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kEncode, "attention_store", encode_row, Encode, reference::encode_row)

namespace {

// Room for rotated keys and values, shared with the tasks that this thread starts.
Buffer<float>& rotated_scratch(bool values) {
  thread_local Buffer<float> scratch[2];
  return scratch[values];
}

// Positions of one page that are written together, for one kv head.
struct Unit {
  const AttentionSequence* sequence;
  int64_t begin, count;  // of the sequence's positions of this call
};

// rows[count][stride] to the lanes of keys[dim][kTile].
template <class Code>
void scatter(const Code* rows, int64_t stride, int64_t count, int64_t dim, Code* keys) {
  for (int64_t d = 0; d < dim; ++d) {
    for (int64_t i = 0; i < count; ++i) keys[d * kTile + i] = rows[i * stride + d];
  }
}

// Codes of rows of a head, and their scales where the type has them.
struct Rows {
  const std::byte* codes;
  const uint16_t* scales;
  int64_t stride;  // codes from one row to the next
};

template <class T>
class Store {
 public:
  Store(const AttentionShape& shape, const T* k, const T* v)
      : shape_(shape), layout_(reference::head_layout<T>(shape)), k_(k), v_(v) {
    if constexpr (std::is_same_v<T, float>) encode_ = kEncode.pick();
  }

  void run(const Unit& unit, int64_t kv_head) const {
    const AttentionSequence& s = *unit.sequence;
    const int64_t position = s.start + unit.begin, lane = position % kTile;
    std::byte* part = s.pages[position / kTile] + kv_head * layout_.bytes;
    const int64_t at = ((s.first_row + unit.begin) * shape_.kv_heads + kv_head) * shape_.head_dim;
    store_keys(rows(shape_.cache.k, k_ + at, unit.count), unit.count, lane, part);
    store_values(rows(shape_.cache.v, v_ + at, unit.count), unit.count, lane, part);
  }

 private:
  Rows rows(CacheType type, const T* x, int64_t count) const {
    const int64_t step = shape_.kv_heads * shape_.head_dim;
    if constexpr (std::is_same_v<T, float>) {
      if (type != CacheType::f32) {
        thread_local Buffer<std::byte> codes;
        thread_local Buffer<uint16_t> scales;
        const int64_t stride = reference::row_codes(type, shape_.head_dim);
        const int64_t bytes = stride * reference::code_bytes<T>(type);
        codes.reserve(static_cast<size_t>(kTile * bytes));
        scales.reserve(static_cast<size_t>(kTile * layout_.groups));
        for (int64_t i = 0; i < count; ++i)
          encode_(type, x + i * step, shape_.head_dim, codes.data() + i * bytes,
                  scales.data() + i * layout_.groups);
        return {codes.data(), reference::has_scales(type) ? scales.data() : nullptr, stride};
      }
    }
    return {reinterpret_cast<const std::byte*>(x), nullptr, step};
  }

  template <class Code>
  void scatter_keys(const Rows& from, int64_t count, int64_t lane, std::byte* part) const {
    scatter(reinterpret_cast<const Code*>(from.codes), from.stride, count,
            reference::row_codes(shape_.cache.k, shape_.head_dim),
            reinterpret_cast<Code*>(part) + lane);
  }

  void store_keys(const Rows& from, int64_t count, int64_t lane, std::byte* part) const {
    switch (reference::code_bytes<T>(shape_.cache.k)) {
      case 8:
        return scatter_keys<double>(from, count, lane, part);
      case 4:
        return scatter_keys<float>(from, count, lane, part);
      case 2:
        return scatter_keys<uint16_t>(from, count, lane, part);
      default:
        scatter_keys<int8_t>(from, count, lane, part);
        scatter(from.scales, layout_.groups, count, layout_.groups,
                reinterpret_cast<uint16_t*>(part + layout_.key_scales) + lane);
    }
  }

  void store_values(const Rows& from, int64_t count, int64_t lane, std::byte* part) const {
    const int64_t bytes = reference::code_bytes<T>(shape_.cache.v);
    const int64_t row = reference::row_codes(shape_.cache.v, shape_.head_dim) * bytes;
    const int64_t whole = layout_.value_codes * bytes;
    for (int64_t i = 0; i < count; ++i) {
      std::byte* to = part + layout_.values + (lane + i) * whole;
      std::memcpy(to, from.codes + i * from.stride * bytes, static_cast<size_t>(row));
      std::memset(to + row, 0, static_cast<size_t>(whole - row));
    }
    if (from.scales)
      std::copy_n(from.scales, count * layout_.groups,
                  reinterpret_cast<uint16_t*>(part + layout_.value_scales) + lane * layout_.groups);
  }

  const AttentionShape& shape_;
  HeadLayout layout_;
  const T *k_, *v_;
  Encode* encode_ = nullptr;
};

}  // namespace

template <class T>
void attention_store(ThreadPool& pool, const AttentionShape& shape, const T* k, const T* v,
                     std::span<const AttentionSequence> sequences) {
  reference::check_attention<T>(shape);
  if constexpr (std::is_same_v<T, float>) {
    if (shape.cache.hadamard) {
      AttentionShape plain = shape;
      plain.cache.hadamard = false;
      const float* hk =
          rotate(pool, k, shape.kv_heads, shape.head_dim, sequences, rotated_scratch(false));
      const float* hv =
          rotate(pool, v, shape.kv_heads, shape.head_dim, sequences, rotated_scratch(true));
      return attention_store(pool, plain, hk, hv, sequences);
    }
  }
  std::vector<Unit> units;
  for (const AttentionSequence& s : sequences) {
    for (int64_t i = 0; i < s.count;) {
      const int64_t count = std::min(s.count - i, kTile - (s.start + i) % kTile);
      units.push_back({&s, i, count});
      i += count;
    }
  }
  const Store<T> store(shape, k, v);
  const int64_t heads = shape.kv_heads, parts = static_cast<int64_t>(units.size()) * heads;
  const int64_t elements = 2 * shape.head_dim * (units.empty() ? 1 : units.front().count);
  pool.run_chunks(parts, rows_per_task(elements), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      store.run(units[static_cast<size_t>(i / heads)], i % heads);
  });
}

template void attention_store(ThreadPool&, const AttentionShape&, const float*, const float*,
                              std::span<const AttentionSequence>);
template void attention_store(ThreadPool&, const AttentionShape&, const double*, const double*,
                              std::span<const AttentionSequence>);

}  // namespace avocado::kernels
