#pragma once
// What quantized.cc (weights) and products.cc share.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/quantized/formats.h"
#include "kernels/quantized/quantized.h"
#include "kernels/quantized/reference.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace avocado::kernels {

// A line of the table of stored types.
struct QuantizedType {
  DType type;
  int index, group, stretch;
  int64_t (*row_group_bytes)(int64_t units);
  const int8_t* table;
  // Up to 16 rows of blocks, `row_bytes` apart, to a row group; w is zero.
  void (*pack)(const std::byte* rows, uint64_t row_bytes, int64_t count, int64_t in, uint8_t* w);
  // Rows [r0, r1) of the weight times all rows of x.
  void (*reference)(const std::byte* rows, int64_t r0, int64_t r1, int64_t in,
                    const std::vector<reference::RoundedRow>& x, const float* bias, float* y,
                    int64_t out);
};

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

// A weight belongs to the implementation that was active when it was packed, and is multiplied by
// it even after another is made active: the bits are the same. The scalar reference keeps the rows
// as they are stored.
struct QuantizedWeight::Impl {
  const QuantizedType* format;
  int64_t out, in;
  const QuantizedKernels* kernels;  // null: scalar reference
  Buffer<std::byte> owned;          // empty when the memory is the caller's
  const std::byte* memory;

  int64_t units() const { return in / kUnit; }
  const uint8_t* row_group(int64_t i) const {
    return reinterpret_cast<const uint8_t*>(memory) + i * format->row_group_bytes(units());
  }
};

}  // namespace avocado::kernels
