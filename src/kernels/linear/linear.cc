#include "kernels/linear/linear.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <type_traits>
#include <utility>

#include "kernels/gemm/gemm.h"
#include "kernels/linear/bf16.h"
#include "kernels/linear/reference.h"
#include "kernels/linear/tiles.h"
#include "kernels/reference.h"
#include "tensor/buffer.h"

namespace avocado::kernels {
namespace {

// The scalar reference for float, in a form that FMA instructions can serve (reference.h).
AVOCADO_FMA_CLONES void forward_tile(const float* x, const float* w, const float* bias, float* y,
                                     int64_t out, int64_t in, int64_t r0, int64_t r1, int64_t o0,
                                     int64_t o1) {
  reference::linear(x, w, bias, y, out, in, r0, r1, o0, o1);
}
AVOCADO_FMA_CLONES void forward_tile_f16(const float* x, const float* w, const float* bias,
                                         float* y, int64_t out, int64_t in, int64_t r0, int64_t r1,
                                         int64_t o0, int64_t o1) {
  reference::linear_f16(x, reinterpret_cast<const uint16_t*>(w), bias, y, out, in, r0, r1, o0, o1);
}
AVOCADO_FMA_CLONES void forward_tile_bf16(const float* x, const float* w, const float* bias,
                                          float* y, int64_t out, int64_t in, int64_t r0, int64_t r1,
                                          int64_t o0, int64_t o1) {
  reference::linear_bf16(x, w, bias, y, out, in, r0, r1, o0, o1);
}
AVOCADO_FMA_CLONES void input_tile(const float* dy, const float* w, float* dx, int64_t out,
                                   int64_t in, bool add, int64_t r0, int64_t r1, int64_t i0,
                                   int64_t i1) {
  reference::linear_backward_input(dy, w, dx, out, in, add, r0, r1, i0, i1);
}
AVOCADO_FMA_CLONES void weight_tile(const float* dy, const float* x, float* dw, int64_t n,
                                    int64_t out, int64_t in, int64_t o0, int64_t o1, int64_t i0,
                                    int64_t i1) {
  reference::linear_backward_weight(dy, x, dw, n, out, in, o0, o1, i0, i1);
}

using Pack = void (*)(const float*, int64_t, int64_t, int64_t, int64_t, int64_t, float*);

void pack_panels(ThreadPool& pool, const GemmKernels& kernels, Pack pack, const float* w,
                 int64_t ld, int64_t k, int64_t cols, float* panels) {
  const int64_t count = (cols + kernels.width - 1) / kernels.width;
  pool.run(count, [=](int64_t p) { pack(w, ld, k, cols, p, p + 1, panels); });
}

// Packs into memory that the calling thread keeps for the next call.
const float* packed(ThreadPool& pool, const GemmKernels& kernels, Pack pack, const float* w,
                    int64_t ld, int64_t k, int64_t cols) {
  thread_local Buffer<float> panels;
  const int64_t count = (cols + kernels.width - 1) / kernels.width;
  panels.reserve(static_cast<size_t>(count * kernels.width * k));
  pack_panels(pool, kernels, pack, w, ld, k, cols, panels.data());
  return panels.data();
}

}  // namespace

// A packed weight belongs to the implementation that was active when it was packed. The scalar
// reference keeps rows as they are: panels of one column.
struct PackedWeight::Impl {
  int64_t out, in;
  DType type;                  // F32, F16 or BF16
  const GemmKernels* kernels;  // null: scalar reference
  const float* lanes = nullptr;
  Buffer<std::byte> owned;  // empty when the memory is the caller's

  int64_t width() const { return kernels ? kernels->width : 1; }
  int64_t panels() const { return (out + width() - 1) / width(); }
  int64_t steps() const { return type == DType::bf16 ? (in + 1) / 2 : in; }
  // Lanes from panel to panel; a panel of f16 is only addressed by lanes where its width is even.
  int64_t panel_lanes() const { return steps() * width() / (type == DType::f16 ? 2 : 1); }
  size_t bytes() const {
    const auto elements = static_cast<size_t>(panels() * width() * steps());
    return elements * (type == DType::f16 ? sizeof(uint16_t) : sizeof(float));
  }

  Impl(DType stored, int64_t out_rows, int64_t in_cols)
      : out(out_rows), in(in_cols), type(stored), kernels(gemm_kernels()) {}
};

PackedWeight::PackedWeight(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PackedWeight::PackedWeight(PackedWeight&&) noexcept = default;
PackedWeight& PackedWeight::operator=(PackedWeight&&) noexcept = default;
PackedWeight::~PackedWeight() = default;
int64_t PackedWeight::out() const { return impl_->out; }
int64_t PackedWeight::in() const { return impl_->in; }
size_t PackedWeight::bytes() const { return impl_->bytes(); }

bool PackedWeight::supports(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16;
}

// The first number grows when the order of the lanes changes: files that hold the old order are
// then no longer used.
std::string PackedWeight::layout() {
  return fmt::format("panels-1-{}", Impl(DType::f32, 1, 1).width());
}

size_t PackedWeight::packed_bytes(DType type, int64_t out, int64_t in) {
  return Impl(type, out, in).bytes();
}

namespace {

void pack_f16(ThreadPool& pool, const PackedWeight::Impl& shape, const uint16_t* w,
              uint16_t* halves) {
  const int64_t width = shape.width(), in = shape.in, out = shape.out;
  pool.run(shape.panels(), [=](int64_t panel) {
    for (int64_t k = 0; k < in; ++k) {
      for (int64_t j = 0; j < width; ++j) {
        const int64_t o = panel * width + j;
        halves[(panel * in + k) * width + j] = o < out ? w[o * in + k] : 0;
      }
    }
  });
}

}  // namespace

void PackedWeight::pack_into(ThreadPool& pool, DType type, const std::byte* rows, int64_t out,
                             int64_t in, std::byte* packed) {
  const Impl shape(type, out, in);
  auto* lanes = reinterpret_cast<float*>(packed);
  if (type == DType::f32) {
    const auto* w = reinterpret_cast<const float*>(rows);
    if (shape.kernels)
      pack_panels(pool, *shape.kernels, shape.kernels->pack_transposed, w, in, in, out, lanes);
    else
      std::copy_n(w, out * in, lanes);
    return;
  }
  const auto* w = reinterpret_cast<const uint16_t*>(rows);
  if (type == DType::f16) return pack_f16(pool, shape, w, reinterpret_cast<uint16_t*>(packed));
  const int64_t width = shape.width(), steps = shape.steps();
  pool.run(shape.panels(), [=](int64_t panel) {
    for (int64_t s = 0; s < steps; ++s) {
      for (int64_t j = 0; j < width; ++j) {
        const int64_t o = panel * width + j, k = 2 * s;
        const uint16_t even = o < out ? w[o * in + k] : 0;
        const uint16_t odd = o < out && k + 1 < in ? w[o * in + k + 1] : 0;
        lanes[(panel * steps + s) * width + j] = std::bit_cast<float>(bf16_pair(even, odd));
      }
    }
  });
}

PackedWeight PackedWeight::over(DType type, int64_t out, int64_t in, const std::byte* packed) {
  auto impl = std::make_unique<Impl>(type, out, in);
  impl->lanes = reinterpret_cast<const float*>(packed);
  return PackedWeight(std::move(impl));
}

PackedWeight PackedWeight::pack(ThreadPool& pool, DType type, const std::byte* rows, int64_t out,
                                int64_t in) {
  Buffer<std::byte> memory(packed_bytes(type, out, in));
  pack_into(pool, type, rows, out, in, memory.data());
  PackedWeight weight = over(type, out, in, memory.data());
  weight.impl_->owned = std::move(memory);
  return weight;
}

PackedWeight PackedWeight::from_f32(ThreadPool& pool, const float* w, int64_t out, int64_t in) {
  return pack(pool, DType::f32, reinterpret_cast<const std::byte*>(w), out, in);
}

PackedWeight PackedWeight::from_f16(ThreadPool& pool, const uint16_t* w, int64_t out, int64_t in) {
  return pack(pool, DType::f16, reinterpret_cast<const std::byte*>(w), out, in);
}

PackedWeight PackedWeight::from_bf16(ThreadPool& pool, const uint16_t* w, int64_t out, int64_t in) {
  return pack(pool, DType::bf16, reinterpret_cast<const std::byte*>(w), out, in);
}

void linear(ThreadPool& pool, const float* x, const PackedWeight& w, const float* bias, float* y,
            int64_t n) {
  const PackedWeight::Impl& impl = w.impl();
  const float* lanes = impl.lanes;
  if (impl.kernels) {
    const GemmKernels& kernels = *impl.kernels;
    const auto tile = impl.type == DType::f32   ? kernels.tile
                      : impl.type == DType::f16 ? kernels.tile_f16
                                                : bf16_tile(kernels, false, n);
    gemm(pool, kernels, tile,
         {.a = x,
          .lda = impl.in,
          .b = lanes,
          .ldb = impl.panel_lanes(),
          .c = y,
          .ldc = impl.out,
          .bias = bias,
          .rows = n,
          .cols = impl.out,
          .k = impl.in});
    return;
  }
  for_tiles(pool, n, impl.out, [&](int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
    const auto product = impl.type == DType::f32   ? forward_tile
                         : impl.type == DType::f16 ? forward_tile_f16
                                                   : forward_tile_bf16;
    product(x, lanes, bias, y, impl.out, impl.in, r0, r1, o0, o1);
  });
}

template <class T>
void linear(ThreadPool& pool, const T* x, const T* w, const T* bias, T* y, int64_t n, int64_t out,
            int64_t in) {
  if constexpr (std::is_same_v<T, float>) {
    if (const GemmKernels* kernels = gemm_kernels()) {
      const float* panels = packed(pool, *kernels, kernels->pack_transposed, w, in, in, out);
      gemm(pool, *kernels, kernels->tile,
           {.a = x,
            .lda = in,
            .b = panels,
            .ldb = in * kernels->width,
            .c = y,
            .ldc = out,
            .bias = bias,
            .rows = n,
            .cols = out,
            .k = in});
      return;
    }
  }
  for_tiles(pool, n, out, [&](int64_t r0, int64_t r1, int64_t o0, int64_t o1) {
    if constexpr (std::is_same_v<T, float>) {
      forward_tile(x, w, bias, y, out, in, r0, r1, o0, o1);
    } else {
      reference::linear(x, w, bias, y, out, in, r0, r1, o0, o1);
    }
  });
}

template <class T>
void linear_backward_input(ThreadPool& pool, const T* dy, const T* w, T* dx, int64_t n, int64_t out,
                           int64_t in, bool add) {
  if constexpr (std::is_same_v<T, float>) {
    if (const GemmKernels* kernels = gemm_kernels()) {
      const float* panels = packed(pool, *kernels, kernels->pack, w, in, out, in);
      gemm(pool, *kernels, kernels->tile,
           {.a = dy,
            .lda = out,
            .b = panels,
            .ldb = out * kernels->width,
            .c = dx,
            .ldc = in,
            .rows = n,
            .cols = in,
            .k = out,
            .accumulate = add});
      return;
    }
  }
  for_tiles(pool, n, in, [&](int64_t r0, int64_t r1, int64_t i0, int64_t i1) {
    if constexpr (std::is_same_v<T, float>) {
      input_tile(dy, w, dx, out, in, add, r0, r1, i0, i1);
    } else {
      reference::linear_backward_input(dy, w, dx, out, in, add, r0, r1, i0, i1);
    }
  });
}

template <class T>
void linear_backward_weight(ThreadPool& pool, const T* dy, const T* x, T* dw, int64_t n,
                            int64_t out, int64_t in) {
  if constexpr (std::is_same_v<T, float>) {
    if (const GemmKernels* kernels = gemm_kernels()) {
      gemm_transposed(pool, *kernels,
                      {.a = dy,
                       .lda = out,
                       .b = x,
                       .ldb = in,
                       .c = dw,
                       .ldc = in,
                       .rows = out,
                       .cols = in,
                       .k = n,
                       .accumulate = true});
      return;
    }
  }
  for_tiles(pool, out, in, [&](int64_t o0, int64_t o1, int64_t i0, int64_t i1) {
    if constexpr (std::is_same_v<T, float>) {
      weight_tile(dy, x, dw, n, out, in, o0, o1, i0, i1);
    } else {
      reference::linear_backward_weight(dy, x, dw, n, out, in, o0, o1, i0, i1);
    }
  });
}

template <class T>
void linear_backward_bias(ThreadPool& pool, const T* dy, T* dbias, int64_t n, int64_t out) {
  pool.run_chunks(out, 64, [&](int64_t o0, int64_t o1) {
    reference::linear_backward_bias(dy, dbias, n, out, o0, o1);
  });
}

size_t linear_scratch_bytes(int64_t n, int64_t out, int64_t in, bool bf16) {
  const GemmKernels* kernels = gemm_kernels();
  if (!kernels) return 0;
  const auto panels = [&](int64_t k, int64_t cols) {
    const int64_t width = kernels->width;
    return (cols + width - 1) / width * width * (bf16 ? (k + 1) / 2 : k);
  };
  const int64_t weight = std::max(panels(in, out), panels(out, in));
  return sizeof(float) * static_cast<size_t>(bf16 ? std::max(weight, panels(n, in)) : weight);
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
