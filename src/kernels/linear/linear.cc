#include "kernels/linear/linear.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "kernels/linear/bf16.h"
#include "kernels/linear/reference.h"
#include "tensor/dtype.h"

namespace avocado::kernels {
namespace {

// Calls body(r0, r1, c0, c1) for tiles of a rows x cols output.
void for_tiles(ThreadPool& pool, int64_t rows, int64_t cols,
               const std::function<void(int64_t, int64_t, int64_t, int64_t)>& body) {
  constexpr int64_t kRows = 16, kCols = 64;
  const int64_t across = (cols + kCols - 1) / kCols;
  pool.run((rows + kRows - 1) / kRows * across, [&](int64_t task) {
    const int64_t r = task / across * kRows, c = task % across * kCols;
    body(r, std::min(rows, r + kRows), c, std::min(cols, c + kCols));
  });
}

}  // namespace

struct PackedWeight::Impl {
  int64_t out = 0, in = 0;
  std::vector<float> f32;       // [out, in]
  std::vector<uint32_t> pairs;  // bf16: [out, ceil(in / 2)]
};

PackedWeight::PackedWeight(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PackedWeight::PackedWeight(PackedWeight&&) noexcept = default;
PackedWeight& PackedWeight::operator=(PackedWeight&&) noexcept = default;
PackedWeight::~PackedWeight() = default;
int64_t PackedWeight::out() const { return impl_->out; }
int64_t PackedWeight::in() const { return impl_->in; }
size_t PackedWeight::bytes() const { return impl_->f32.size() * 4 + impl_->pairs.size() * 4; }

PackedWeight PackedWeight::from_f32(ThreadPool&, const float* w, int64_t out, int64_t in) {
  auto impl = std::make_unique<Impl>();
  impl->out = out;
  impl->in = in;
  impl->f32.assign(w, w + out * in);
  return PackedWeight(std::move(impl));
}

PackedWeight PackedWeight::from_bf16(ThreadPool&, const uint16_t* w, int64_t out, int64_t in) {
  auto impl = std::make_unique<Impl>();
  impl->out = out;
  impl->in = in;
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t k = 0; k < in; k += 2)
      impl->pairs.push_back(bf16_pair(w[o * in + k], k + 1 < in ? w[o * in + k + 1] : 0));
  }
  return PackedWeight(std::move(impl));
}

void linear(ThreadPool& pool, const float* x, const PackedWeight& w, const float* bias, float* y,
            int64_t n) {
  const int64_t out = w.out(), in = w.in();
  if (w.impl().pairs.empty()) {
    linear(pool, x, w.impl().f32.data(), bias, y, n, out, in);
    return;
  }
  const int64_t steps = (in + 1) / 2;
  for_tiles(pool, n, out, [&](int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
    std::vector<uint32_t> row(static_cast<size_t>(steps));
    for (int64_t r = r0; r < r1; ++r) {
      for (int64_t s = 0; s < steps; ++s) {
        const int64_t k = r * in + 2 * s;
        row[static_cast<size_t>(s)] =
            bf16_pair(f32_to_bf16(x[k]), 2 * s + 1 < in ? f32_to_bf16(x[k + 1]) : 0);
      }
      for (int64_t o = o0; o < o1; ++o) {
        const uint32_t* pairs = w.impl().pairs.data() + o * steps;
        float sum = 0;
        for (int64_t s = 0; s < steps; ++s)
          sum = bf16_dot_pair(sum, row[static_cast<size_t>(s)], pairs[s]);
        y[r * out + o] = bias ? sum + bias[o] : sum;
      }
    }
  });
}

template <class T>
void linear(ThreadPool& pool, const T* x, const T* w, const T* bias, T* y, int64_t n, int64_t out,
            int64_t in) {
  for_tiles(pool, n, out, [&](int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
    reference::linear(x, w, bias, y, out, in, r0, r1, o0, o1);
  });
}

template <class T>
void linear_backward_input(ThreadPool& pool, const T* dy, const T* w, T* dx, int64_t n, int64_t out,
                           int64_t in, bool add) {
  for_tiles(pool, n, in, [&](int64_t r0, int64_t r1, int64_t i0, int64_t i1) {
    reference::linear_backward_input(dy, w, dx, out, in, add, r0, r1, i0, i1);
  });
}

template <class T>
void linear_backward_weight(ThreadPool& pool, const T* dy, const T* x, T* dw, int64_t n,
                            int64_t out, int64_t in) {
  for_tiles(pool, out, in, [&](int64_t o0, int64_t o1, int64_t i0, int64_t i1) {
    reference::linear_backward_weight(dy, x, dw, n, out, in, o0, o1, i0, i1);
  });
}

template <class T>
void linear_backward_bias(ThreadPool& pool, const T* dy, T* dbias, int64_t n, int64_t out) {
  pool.run_chunks(out, 64, [&](int64_t o0, int64_t o1) {
    reference::linear_backward_bias(dy, dbias, n, out, o0, o1);
  });
}

#define AVOCADO_LINEAR(T)                                                                         \
  template void linear(ThreadPool&, const T*, const T*, const T*, T*, int64_t, int64_t, int64_t); \
  template void linear_backward_input(ThreadPool&, const T*, const T*, T*, int64_t, int64_t,      \
                                      int64_t, bool);                                             \
  template void linear_backward_weight(ThreadPool&, const T*, const T*, T*, int64_t, int64_t,     \
                                       int64_t);                                                  \
  template void linear_backward_bias(ThreadPool&, const T*, T*, int64_t, int64_t)

AVOCADO_LINEAR(float);
AVOCADO_LINEAR(double);

}  // namespace avocado::kernels
