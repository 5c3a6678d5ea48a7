#include "kernels/linear/stored.h"

#include <algorithm>

#include "tensor/buffer.h"

namespace avocado::kernels {
namespace {

// Rows of w that are floats at a time: enough for the product, little beside the matrix.
constexpr int64_t kRows = 256;

}  // namespace

void linear_backward_input(ThreadPool& pool, const float* dy, const TensorView& w, float* dx,
                           int64_t n, bool add) {
  const int64_t out = w.shape[0], in = w.shape[1];
  const auto to_f32 = dtype_traits(w.type)->to_f32;
  const uint64_t row_bytes = *dtype_bytes(w.type, in);
  thread_local Buffer<float> decoded, part;  // part: the columns of dy that belong to those rows
  decoded.reserve(static_cast<size_t>(std::min(kRows, out) * in));
  part.reserve(static_cast<size_t>(n * std::min(kRows, out)));
  float *floats = decoded.data(), *columns = part.data();
  for (int64_t first = 0; first < out; first += kRows) {
    const int64_t rows = std::min(kRows, out - first);
    pool.run_chunks(rows, 4, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        to_f32(w.data.data() + static_cast<uint64_t>(first + r) * row_bytes, floats + r * in, in);
    });
    pool.run_chunks(n, 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        std::copy_n(dy + i * out + first, rows, columns + i * rows);
    });
    linear_backward_input(pool, static_cast<const float*>(columns),
                          static_cast<const float*>(floats), dx, n, rows, in, add || first > 0);
  }
}

size_t linear_stored_scratch_bytes(int64_t n, int64_t out, int64_t in) {
  const int64_t rows = std::min(kRows, out);
  return sizeof(float) * static_cast<size_t>(rows * (in + n)) +
         linear_scratch_bytes(n, rows, in, false);
}

}  // namespace avocado::kernels
