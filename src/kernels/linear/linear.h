#pragma once
// linear: y[n, out] = x[n, in] * w[out, in]^T (+ bias[out]).
//
// ORDER OF ROUNDING. Each output has one accumulator that starts at zero; k ascends; one FMA per k.
// The bias is added last. Tiles, packing, threads and the number of rows are free.
// f16 weights are widened, which is exact, and multiplied like f32 ones.
// bf16 weights: x is rounded to bf16 (nearest even) and products are taken in pairs of k, the odd
// k first, then the even, each an FMA in f32; subnormal inputs and results count as zero, as in
// vdpbf16ps. An odd last k is paired with a zero.
//
// T is float or double (double: scalar reference only).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "tensor/dtype.h"

namespace avocado::kernels {

// A weight laid out for the instruction set in use. Built once, read by many threads.
class PackedWeight {
 public:
  // w [out, in] row-major.
  static PackedWeight from_f32(ThreadPool& pool, const float* w, int64_t out, int64_t in);
  static PackedWeight from_f16(ThreadPool& pool, const uint16_t* w, int64_t out, int64_t in);
  static PackedWeight from_bf16(ThreadPool& pool, const uint16_t* w, int64_t out, int64_t in);
  // The same in steps for `type` F32, F16 or BF16, over memory of the caller that is aligned to 64
  // bytes, as in kernels/quantized. `rows` is aligned for its type.
  static bool supports(DType type);
  static std::string layout();
  static size_t packed_bytes(DType type, int64_t out, int64_t in);
  static void pack_into(ThreadPool& pool, DType type, const std::byte* rows, int64_t out,
                        int64_t in, std::byte* packed);
  static PackedWeight over(DType type, int64_t out, int64_t in, const std::byte* packed);
  PackedWeight(PackedWeight&&) noexcept;
  PackedWeight& operator=(PackedWeight&&) noexcept;
  ~PackedWeight();

  int64_t out() const;
  int64_t in() const;
  size_t bytes() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  static PackedWeight pack(ThreadPool& pool, DType type, const std::byte* rows, int64_t out,
                           int64_t in);
  explicit PackedWeight(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

void linear(ThreadPool& pool, const float* x, const PackedWeight& w, const float* bias, float* y,
            int64_t n);

// Same value as packing w first; for weights that change every step.
template <class T>
void linear(ThreadPool& pool, const T* x, const T* w, const T* bias, T* y, int64_t n, int64_t out,
            int64_t in);

// dx[n, in] = dy[n, out] * w[out, in] (out ascends), or dx + that when `add`: the accumulator then
// starts at the old dx.
template <class T>
void linear_backward_input(ThreadPool& pool, const T* dy, const T* w, T* dx, int64_t n, int64_t out,
                           int64_t in, bool add);

// dw[out, in] += dy^T * x: n ascends, the accumulator starts at the old dw.
template <class T>
void linear_backward_weight(ThreadPool& pool, const T* dy, const T* x, T* dw, int64_t n,
                            int64_t out, int64_t in);

// dbias[out] += sum over n of dy: n ascends, the accumulator starts at the old dbias.
template <class T>
void linear_backward_bias(ThreadPool& pool, const T* dy, T* dbias, int64_t n, int64_t out);

// Bytes the calling thread keeps after the three products of this shape on f32 matrices, with f32
// or with bf16 factors (linear_bf16.h).
size_t linear_scratch_bytes(int64_t n, int64_t out, int64_t in, bool bf16);

}  // namespace avocado::kernels
