#include "models/packing.h"

#include <algorithm>
#include <cstdint>

namespace avocado {
namespace {

using kernels::PackedWeight;
using kernels::QuantizedWeight;

bool is_blocks(const PackedEntry& entry) { return QuantizedWeight::supports(entry.type); }

}  // namespace

PackedEntry packing_of(const TensorView& tensor, const graph::Weight& weight, uint32_t index) {
  PackedEntry entry{.weight = index, .type = tensor.type, .rows = weight.rows, .cols = weight.cols};
  if (!is_blocks(entry) && !PackedWeight::supports(entry.type)) entry.type = DType::f32;
  entry.bytes = is_blocks(entry) ? QuantizedWeight::packed_bytes(entry.type, entry.rows, entry.cols)
                                 : PackedWeight::packed_bytes(entry.type, entry.rows, entry.cols);
  return entry;
}

void pack_matrix(ThreadPool& pool, const TensorView& tensor, const PackedEntry& entry,
                 std::byte* packed) {
  const std::byte* rows = tensor.data.data();
  if (is_blocks(entry))
    return QuantizedWeight::pack_into(pool, entry.type, rows, entry.rows, entry.cols, packed);
  // Files may place floats at any address.
  std::vector<std::byte> aligned;
  Buffer<float> floats;
  if (tensor.type != entry.type) {
    floats = decode(pool, tensor, entry.rows, entry.cols);
    rows = reinterpret_cast<const std::byte*>(floats.data());
  } else if (reinterpret_cast<uintptr_t>(rows) % alignof(float) != 0) {
    aligned.assign(tensor.data.begin(), tensor.data.end());
    rows = aligned.data();
  }
  PackedWeight::pack_into(pool, entry.type, rows, entry.rows, entry.cols, packed);
}

PackedMatrix packed_matrix(const PackedEntry& entry, const std::byte* packed) {
  if (is_blocks(entry)) return QuantizedWeight::over(entry.type, entry.rows, entry.cols, packed);
  return PackedWeight::over(entry.type, entry.rows, entry.cols, packed);
}

std::string layout_of(std::span<const PackedEntry> entries) {
  const bool blocks = std::any_of(entries.begin(), entries.end(), is_blocks);
  const bool floats = !std::all_of(entries.begin(), entries.end(), is_blocks);
  return (blocks ? QuantizedWeight::layout() : "") + "+" + (floats ? PackedWeight::layout() : "");
}

Buffer<float> decode(ThreadPool& pool, const TensorView& tensor, int64_t rows, int64_t cols) {
  Buffer<float> out(static_cast<size_t>(rows * cols));
  const DTypeTraits* traits = dtype_traits(tensor.type);
  const uint64_t row_bytes = *dtype_bytes(tensor.type, cols);
  pool.run_chunks(rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      traits->to_f32(tensor.data.data() + static_cast<uint64_t>(r) * row_bytes,
                     out.data() + r * cols, cols);
  });
  return out;
}

}  // namespace avocado
