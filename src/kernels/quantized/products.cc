// Rounding rows of x, and the products: which kernel, and how the work is cut into tasks.

#include <algorithm>
#include <vector>

#include "kernels/implementations.h"
#include "kernels/quantized/formats.h"
#include "kernels/quantized/quantized.h"
#include "kernels/quantized/reference.h"
#include "kernels/quantized/weight.h"
#include "tensor/buffer.h"

namespace avocado::kernels {

namespace {

// Rows of x that a task takes at once: they stay in the second-level cache while the weights of the
// task pass by. With few rows a task is a stretch of weights to stream.
constexpr int64_t kTaskBytes = 1 << 20;
constexpr int64_t kTaskRowGroups = 8;
// From this many rows of x on, unpacking a row group for products of matrices pays.
constexpr int64_t kMany = 32;

}  // namespace

// Rows of x as weights of some formats read them.
struct RoundedRows {
  int stretch, group, taken_off;
  int64_t in, step;
  Buffer<int8_t> a;
  Buffer<float> d, sums;
  Buffer<int32_t> start;
  Buffer<int16_t> group_sums;
  std::vector<reference::RoundedRow> reference;

  bool serves(const QuantizedType& format, const QuantizedKernels* kernels) const {
    return stretch == format.stretch &&
           (!kernels || (group == format.group && taken_off == kernels->taken_off[format.index]));
  }
  int64_t groups() const { return in / group; }
  int64_t stretches() const { return in / stretch; }
  bool integer() const { return stretch == kSuper; }

  // Room for n rows. AMX takes whole tiles of rows: those behind the last are zero.
  void reserve(int64_t n) {
    // Not a multiple of a page: rows of a tile would fight for the same cache sets.
    step = round_up(in, kLine) + kLine;
    const int64_t rows = round_up(n, kMatrixRows);
    const auto make = [&](auto& buffer, int64_t width) {
      buffer.reserve(static_cast<size_t>(rows * width));
      std::fill(buffer.data() + n * width, buffer.data() + rows * width, 0);
    };
    make(a, step);
    make(d, stretches());
    make(start, groups());
    if (integer())
      make(group_sums, groups());
    else
      make(sums, groups());
  }

  QuantizedRow row(const float* x, int64_t t) {
    return {.x = x,
            .in = in,
            .stretch = stretch,
            .group = group,
            .taken_off = taken_off,
            .a = a.data() + t * step,
            .d = d.data() + t * stretches(),
            .start = start.data() + t * groups(),
            .sums = integer() ? nullptr : sums.data() + t * groups(),
            .group_sums = integer() ? group_sums.data() + t * groups() : nullptr};
  }
  QuantizedRows from(int64_t t) const {
    return {.a = a.data() + t * step,
            .step = step,
            .d = d.data() + t * stretches(),
            .start = start.data() + t * groups(),
            .sums = integer() ? nullptr : sums.data() + t * groups(),
            .group_sums = integer() ? group_sums.data() + t * groups() : nullptr};
  }
};

struct QuantizedInput::Impl {
  int64_t n = 0, in = 0;
  const QuantizedKernels* kernels = nullptr;  // null: scalar reference
  std::vector<RoundedRows> kinds;
  size_t kinds_used = 0;

  const RoundedRows* find(const QuantizedType& format) const {
    for (size_t i = 0; i < kinds_used; ++i)
      if (kinds[i].serves(format, kernels)) return &kinds[i];
    return nullptr;
  }
};

QuantizedInput::QuantizedInput() : impl_(std::make_unique<Impl>()) {}
QuantizedInput::QuantizedInput(QuantizedInput&&) noexcept = default;
QuantizedInput::~QuantizedInput() = default;

void QuantizedInput::reserve(std::span<const QuantizedWeight* const> weights, int64_t n) {
  Impl& x = *impl_;
  x.n = n;
  x.in = weights.front()->in();
  x.kernels = weights.front()->impl().kernels;
  x.kinds_used = 0;
  for (const QuantizedWeight* weight : weights) {
    const QuantizedType& format = *weight->impl().format;
    if (x.find(format)) continue;
    if (x.kinds_used == x.kinds.size()) x.kinds.emplace_back();
    RoundedRows& rows = x.kinds[x.kinds_used++];
    rows.stretch = format.stretch;
    rows.group = format.group;
    rows.taken_off = x.kernels ? x.kernels->taken_off[format.index] : 0;
    rows.in = x.in;
    if (x.kernels)
      rows.reserve(n);
    else
      rows.reference.resize(static_cast<size_t>(n));
  }
}

void QuantizedInput::quantize(const float* x, int64_t first, int64_t count) {
  Impl& to = *impl_;
  for (int64_t t = first; t < first + count; ++t, x += to.in) {
    for (size_t i = 0; i < to.kinds_used; ++i) {
      RoundedRows& rows = to.kinds[i];
      if (to.kernels)
        to.kernels->quantize(rows.row(x, t));
      else
        rows.reference[static_cast<size_t>(t)] = reference::RoundedRow(x, to.in, rows.stretch);
    }
  }
}

namespace {

void linear_reference(ThreadPool& pool, const QuantizedInput::Impl& x,
                      const QuantizedProduct& product) {
  const QuantizedWeight::Impl& w = product.weight->impl();
  pool.run_chunks(w.out, kGroupRows, [&](int64_t begin, int64_t end) {
    w.format->reference(w.memory, begin, end, w.in, x.find(*w.format)->reference, product.bias,
                        product.y, w.out);
  });
}

// One weight's part of the work: tasks of a stretch of rows of x times a few row groups.
struct Work {
  const QuantizedProduct* product;
  const QuantizedWeight::Impl* weight;
  const RoundedRows* rows;
  void (*tile)(const QuantizedTile&);
  int64_t first_task, across;  // tasks side by side
};

void run_task(const QuantizedInput::Impl& x, const Work& work, int64_t task, int64_t task_rows) {
  thread_local Buffer<uint8_t> scratch;
  const QuantizedWeight::Impl& w = *work.weight;
  scratch.reserve(static_cast<size_t>(scratch_bytes(w.units())));
  const int64_t t = task / work.across * task_rows, first = task % work.across * kTaskRowGroups;
  QuantizedTile tile;
  tile.units = w.units();
  tile.table = w.format->table;
  tile.x = work.rows->from(t);
  tile.tokens = std::min(task_rows, x.n - t);
  tile.ldy = w.out;
  tile.scratch = scratch.data();
  for (int64_t i = first; i < std::min(divide_up(w.out, kGroupRows), first + kTaskRowGroups); ++i) {
    tile.w = w.row_group(i);
    tile.y = work.product->y + t * w.out + i * kGroupRows;
    tile.bias = work.product->bias ? work.product->bias + i * kGroupRows : nullptr;
    tile.rows = w.out - i * kGroupRows;
    work.tile(tile);
  }
}

}  // namespace

void linear(ThreadPool& pool, const QuantizedInput& input,
            std::span<const QuantizedProduct> products) {
  const QuantizedInput::Impl& x = input.impl();
  if (!x.kernels) {
    for (const QuantizedProduct& product : products) linear_reference(pool, x, product);
    return;
  }
  const QuantizedKernels& kernels = *x.kernels;
  const int64_t task_rows = std::max<int64_t>(kMatrixRows, kTaskBytes / x.in / 16 * 16);
  std::vector<Work> works;
  int64_t tasks = 0;
  for (const QuantizedProduct& product : products) {
    const QuantizedWeight::Impl& w = product.weight->impl();
    const int index = w.format->index;
    const bool many = x.n >= kMany && kernels.tile_many[index] && use_int8_matrix();
    const int64_t across = divide_up(divide_up(w.out, kGroupRows), kTaskRowGroups);
    works.push_back({&product, &w, x.find(*w.format),
                     many ? kernels.tile_many[index] : kernels.tile[index], tasks, across});
    tasks += divide_up(x.n, task_rows) * across;
  }
  pool.run(tasks, [&](int64_t task) {
    size_t i = works.size() - 1;
    while (works[i].first_task > task) --i;
    run_task(x, works[i], task - works[i].first_task, task_rows);
  });
}

void linear(ThreadPool& pool, const float* x, const QuantizedWeight& w, const float* bias, float* y,
            int64_t n) {
  thread_local QuantizedInput rows;
  QuantizedInput& input = rows;
  const QuantizedWeight* weight = &w;
  input.reserve({&weight, 1}, n);
  pool.run_chunks(n, rows_per_task(w.in()), [&](int64_t begin, int64_t end) {
    input.quantize(x + begin * w.in(), begin, end - begin);
  });
  const QuantizedProduct product = {&w, bias, y};
  linear(pool, input, {&product, 1});
}

}  // namespace avocado::kernels
