#include "kernels/linear/linear_bf16.h"

#include "kernels/gemm/gemm.h"
#include "kernels/linear/reference.h"
#include "kernels/linear/tiles.h"
#include "kernels/reference.h"
#include "tensor/buffer.h"

namespace avocado::kernels {
namespace {

AVOCADO_FMA_CLONES void forward_tile(const float* x, const float* w, const float* bias, float* y,
                                     int64_t out, int64_t in, int64_t r0, int64_t r1, int64_t o0,
                                     int64_t o1) {
  reference::linear_rounded(x, w, bias, y, out, in, r0, r1, o0, o1);
}
AVOCADO_FMA_CLONES void input_tile(const float* dy, const float* w, float* dx, int64_t out,
                                   int64_t in, bool add, int64_t r0, int64_t r1, int64_t i0,
                                   int64_t i1) {
  reference::linear_backward_input_bf16(dy, w, dx, out, in, add, r0, r1, i0, i1);
}
AVOCADO_FMA_CLONES void weight_tile(const float* dy, const float* x, float* dw, int64_t n,
                                    int64_t out, int64_t in, int64_t o0, int64_t o1, int64_t i0,
                                    int64_t i1) {
  reference::linear_backward_weight_bf16(dy, x, dw, n, out, in, o0, o1, i0, i1);
}

// `whole` but for its B: that is w, B(k, j) at w[k * ld + j] for pack_bf16, at w[j * ld + k] for
// pack_transposed_bf16, and is packed into memory that the calling thread keeps for the next call.
void multiply(ThreadPool& pool, const GemmKernels& kernels, decltype(GemmKernels::pack_bf16) pack,
              const float* w, int64_t ld, GemmTile whole) {
  thread_local Buffer<float> memory;
  const int64_t steps = (whole.k + 1) / 2;
  const int64_t panels = (whole.cols + kernels.width - 1) / kernels.width;
  memory.reserve(static_cast<size_t>(panels * kernels.width * steps));
  float* packed = memory.data();
  pool.run(panels, [=](int64_t p) { pack(w, ld, whole.k, whole.cols, p, p + 1, packed); });
  whole.b = packed;
  whole.ldb = steps * kernels.width;
  gemm(pool, kernels, bf16_tile(kernels, whole.transposed, whole.rows), whole);
}

}  // namespace

void linear_bf16(ThreadPool& pool, const float* x, const float* w, const float* bias, float* y,
                 int64_t n, int64_t out, int64_t in) {
  if (const GemmKernels* kernels = gemm_kernels()) {
    multiply(
        pool, *kernels, kernels->pack_transposed_bf16, w, in,
        {.a = x, .lda = in, .c = y, .ldc = out, .bias = bias, .rows = n, .cols = out, .k = in});
    return;
  }
  for_tiles(pool, n, out, [&](int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
    forward_tile(x, w, bias, y, out, in, r0, r1, o0, o1);
  });
}

void linear_backward_input_bf16(ThreadPool& pool, const float* dy, const float* w, float* dx,
                                int64_t n, int64_t out, int64_t in, bool add) {
  if (const GemmKernels* kernels = gemm_kernels()) {
    multiply(pool, *kernels, kernels->pack_bf16, w, in,
             {.a = dy,
              .lda = out,
              .c = dx,
              .ldc = in,
              .rows = n,
              .cols = in,
              .k = out,
              .accumulate = add});
    return;
  }
  for_tiles(pool, n, in, [&](int64_t r0, int64_t r1, int64_t i0, int64_t i1) {
    input_tile(dy, w, dx, out, in, add, r0, r1, i0, i1);
  });
}

void linear_backward_weight_bf16(ThreadPool& pool, const float* dy, const float* x, float* dw,
                                 int64_t n, int64_t out, int64_t in) {
  if (n == 0) return;
  if (const GemmKernels* kernels = gemm_kernels()) {
    multiply(pool, *kernels, kernels->pack_bf16, x, in,
             {.a = dy,
              .transposed = true,
              .lda = out,
              .c = dw,
              .ldc = in,
              .rows = out,
              .cols = in,
              .k = n,
              .accumulate = true});
    return;
  }
  for_tiles(pool, out, in, [&](int64_t o0, int64_t o1, int64_t i0, int64_t i1) {
    weight_tile(dy, x, dw, n, out, in, o0, o1, i0, i1);
  });
}

}  // namespace avocado::kernels
