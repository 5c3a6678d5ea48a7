#include "models/permute.h"

#include <cstring>

namespace avocado {
namespace {

// A bias counts as a column: its elements move like rows of one element.
template <class Move>
std::vector<std::byte> permute_rows(const TensorView& tensor, const graph::Weight& weight,
                                    Move source_row) {
  const int64_t rows = weight.matrix ? weight.rows : weight.cols;
  const size_t row_bytes = tensor.data.size() / static_cast<size_t>(rows);
  const int64_t head = rows / weight.permuted_heads;
  std::vector<std::byte> out(tensor.data.size());
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t from = r / head * head + source_row(r % head, head / 2);
    std::memcpy(out.data() + static_cast<size_t>(r) * row_bytes,
                tensor.data.data() + static_cast<size_t>(from) * row_bytes, row_bytes);
  }
  return out;
}

}  // namespace

std::vector<std::byte> rows_from_hf(const TensorView& tensor, const graph::Weight& weight) {
  return permute_rows(tensor, weight, [](int64_t r, int64_t half) { return r / 2 + r % 2 * half; });
}

std::vector<std::byte> rows_to_hf(const TensorView& tensor, const graph::Weight& weight) {
  return permute_rows(tensor, weight,
                      [](int64_t r, int64_t half) { return r % half * 2 + r / half; });
}

}  // namespace avocado
