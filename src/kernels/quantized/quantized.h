#pragma once
// linear with a weight stored in blocks: y[n, out] = x[n, in] * w[out, in]^T (+ bias[out]), without
// ever widening w to floats. The format of a block (tensor/blocks/block.h) says
//   w[o, i] = scale(o, g) * value(o, i) + offset(o, g),   value an int8, g a group of 16 or 32.
//
// ORDER OF ROUNDING. A row of x is quantized in stretches: of 256 for formats whose scales are
// integers times one float per 256 (ScaleKind::half_times: Q2_K to Q6_K, IQ1 to IQ3, IQ4_XS), of 32
// for the others. m = max |x|, d = m / 127, r = 127 / m, a[i] = x[i] * r rounded to float, then to
// the nearest even integer. A stretch whose m is below 2^-100 is zero: d = 0, a = 0; one that holds
// an infinity or a NaN has d = NaN, a = 0. Each output has one accumulator that starts at zero;
// stretches ascend. For each of 32, group by group,
//   acc = fma(float(sum value[i] * a[i]), scale * d, acc)
//   acc = fma(offset, float(sum a[i]) * d, acc)                 only in formats with offsets
// and for each of 256, with the float of the block and the integers of its groups,
//   acc = fma(float(sum_g scale_code(g) * sum value[i] * a[i]), block_d / kDivisor * d, acc)
//   acc = fma(float(sum_g offset_code(g) * sum a[i]), -dmin * d, acc)      only with offsets
// The sums are integers, hence exact. The bias is added last. Tiles, packing, threads and the
// number of rows are free.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/thread_pool.h"
#include "tensor/dtype.h"

namespace avocado::kernels {

// A weight laid out so that a lane is a row, about as large as it is in the file. Built once, read
// by many threads.
class QuantizedWeight {
 public:
  // Types that can be packed.
  static bool supports(DType type);
  // Rows of `in` elements, `in` a whole number of blocks.
  static QuantizedWeight pack(ThreadPool& pool, DType type, const std::byte* rows, int64_t out,
                              int64_t in);
  // The same in steps, over memory of the caller that is aligned to 64 bytes: how much is needed,
  // filling it, and a weight that reads what was filled while it lives. `layout` names the order of
  // the bytes, which may be kept in a file and used by whoever has the same layout.
  static std::string layout();
  static size_t packed_bytes(DType type, int64_t out, int64_t in);
  static void pack_into(ThreadPool& pool, DType type, const std::byte* rows, int64_t out,
                        int64_t in, std::byte* packed);
  static QuantizedWeight over(DType type, int64_t out, int64_t in, const std::byte* packed);
  QuantizedWeight(QuantizedWeight&&) noexcept;
  QuantizedWeight& operator=(QuantizedWeight&&) noexcept;
  ~QuantizedWeight();

  int64_t out() const;
  int64_t in() const;
  size_t bytes() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit QuantizedWeight(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Rows of x, rounded for products with one or several weights that read the same rows. Kept for the
// next rows: memory grows to the largest need.
class QuantizedInput {
 public:
  QuantizedInput();
  QuantizedInput(QuantizedInput&&) noexcept;
  ~QuantizedInput();

  // Makes room for n rows for the weights, all with the same `in`. Call it before quantize.
  void reserve(std::span<const QuantizedWeight* const> weights, int64_t n);
  // Rows [first, first + count), which lie at x. Threads may round different rows at once.
  void quantize(const float* x, int64_t first, int64_t count);

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct QuantizedProduct {
  const QuantizedWeight* weight;
  const float* bias;  // [out], or null
  float* y;           // [n, out]
};

// Products of all rows of x with weights for which it was reserved.
void linear(ThreadPool& pool, const QuantizedInput& x, std::span<const QuantizedProduct> products);

// The same for one weight, rounding x first.
void linear(ThreadPool& pool, const float* x, const QuantizedWeight& w, const float* bias, float* y,
            int64_t n);

}  // namespace avocado::kernels
