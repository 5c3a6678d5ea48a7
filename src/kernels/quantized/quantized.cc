#include "kernels/quantized/quantized.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "kernels/implementations.h"
#include "kernels/quantized/formats.h"
#include "kernels/quantized/reference.h"
#include "kernels/reference.h"
#include "tensor/buffer.h"

namespace avocado::kernels {

namespace {
using Provide = const QuantizedKernels*();
const QuantizedKernels* no_kernels() { return nullptr; }
}  // namespace

AVOCADO_IMPLEMENTATIONS(kKernels, "quantized", quantized_kernels, Provide, no_kernels)

// Those for CPUs with one instruction for four products of bytes.
namespace avx2 {
Provide quantized_kernels_dot;
}
namespace neon {
Provide quantized_kernels_dot;
}

const QuantizedKernels* quantized_kernels() {
  const QuantizedKernels* kernels = kKernels.pick()();
#if defined(AVOCADO_PORTABLE)
#elif defined(__x86_64__)
  if (active_isa() == Isa::avx2 && use_int8_dot()) return avx2::quantized_kernels_dot();
  // The AVX-512 kernels are made of VNNI's instruction.
  if (active_isa() == Isa::avx512 && !has_avx512_vnni()) return avx2::quantized_kernels();
#elif defined(__aarch64__)
  if (active_isa() == Isa::neon && use_int8_dot()) return neon::quantized_kernels_dot();
#endif
  return kernels;
}

namespace {

// Codes [16 rows][32] to the planes of a unit (layout.h), four columns of a row at a time.
template <class L>
void pack_planes(const uint8_t (*codes)[kUnit], uint8_t* w) {
  uint32_t planes[L::kPlanes / 4] = {};
  uint32_t *pairs = planes + L::kNibbles / 4, *singles = pairs + L::kPairs / 4;
  for (int line = 0; line < kUnitLines; ++line) {
    uint32_t four[kGroupRows];
    for (int row = 0; row < kGroupRows; ++row)
      std::memcpy(&four[row], codes[row] + 4 * line, sizeof four[row]);
    for (int row = 0; row < kGroupRows; ++row) {
      uint32_t code = four[row];
      if (L::kWhole > 0) planes[line * kGroupRows + row] = code;
      if (L::kNibbles > 0) {
        planes[line % 4 * kGroupRows + row] |= (code & 0x0f0f0f0f) << line / 4 * 4;
        code >>= 4;
      }
      if (L::kPairs > 0) {
        pairs[line / 4 * kGroupRows + row] |= (code & 0x03030303) << line % 4 * 2;
        code >>= 2;
      }
      if (L::kSingles > 0) singles[row] |= (code & 0x01010101) << line;
    }
  }
  std::memcpy(w, planes, sizeof planes);
}

void put_16(uint8_t* p, int row, uint16_t value) {
  p[2 * row] = static_cast<uint8_t>(value);
  p[2 * row + 1] = static_cast<uint8_t>(value >> 8);
}

// Up to 16 rows of blocks, `row_bytes` apart; w is zero.
template <class Block>
void pack_row_group(const std::byte* rows, uint64_t row_bytes, int64_t count, int64_t in,
                    uint8_t* w) {
  using L = LayoutOf<Block>;
  constexpr int units = Block::kCount / kUnit, groups = kUnit / Block::kGroup;
  for (int64_t b = 0; b < in / Block::kCount; ++b) {
    uint8_t codes[units][kGroupRows][kUnit] = {};
    Block blocks[kGroupRows] = {};
    for (int64_t r = 0; r < count; ++r) {
      Block& block = blocks[r];
      std::memcpy(
          &block,
          rows + static_cast<uint64_t>(r) * row_bytes + static_cast<uint64_t>(b) * sizeof(Block),
          sizeof block);
      uint8_t row_codes[Block::kCount];
      block.codes(row_codes);
      for (int u = 0; u < units; ++u) std::memcpy(codes[u][r], row_codes + u * kUnit, kUnit);
    }
    if constexpr (L::kInteger) {
      for (int r = 0; r < kGroupRows; ++r) {
        put_16(w, r, block_d(blocks[r]).bits());
        if constexpr (L::kOffsets) put_16(w + 2 * kGroupRows, r, blocks[r].dmin.bits());
      }
      w += L::kFloatScales;
    }
    for (int u = 0; u < units; ++u) {
      pack_planes<L>(codes[u], w);
      uint8_t* scales = w + L::kPlanes;
      for (int r = 0; r < kGroupRows; ++r) {
        if constexpr (L::kInteger) {
          for (int g = 0; g < groups; ++g) {
            const int scale = blocks[r].scale_code(u * groups + g);
            scales[g * kGroupRows + r] = static_cast<uint8_t>(scale);
            if constexpr (L::kOffsets) {
              const int offset = blocks[r].offset_code(u * groups + g);
              if constexpr (L::kShared)
                scales[g * kGroupRows + r] = static_cast<uint8_t>(scale | offset << 4);
              else
                scales[(groups + g) * kGroupRows + r] = static_cast<uint8_t>(offset);
            }
          }
        } else if constexpr (L::kScales == PackedScales16::bfloat) {
          put_16(scales, r, r < count ? f32_to_bf16(block_scale(blocks[r], 0)) : 0);
        } else {
          put_16(scales, r, blocks[r].d.bits());
          if constexpr (L::kOffsets) put_16(scales + 2 * kGroupRows, r, blocks[r].m.bits());
        }
      }
      w += L::kUnitBytes;
    }
  }
}

// Rows [r0, r1) of the weight times all rows of x.
template <class Block>
AVOCADO_FMA_CLONES void multiply(const std::byte* rows, int64_t r0, int64_t r1, int64_t in,
                                 const std::vector<reference::RoundedRow>& x, const float* bias,
                                 float* y, int64_t out) {
  const int64_t blocks = in / Block::kCount;
  for (int64_t o = r0; o < r1; ++o) {
    const reference::QuantizedValues<Block> values(
        reinterpret_cast<const Block*>(rows) + o * blocks, in);
    for (size_t t = 0; t < x.size(); ++t) {
      const float sum = reference::dot(values, x[t]);
      y[static_cast<int64_t>(t) * out + o] = bias ? sum + bias[o] : sum;
    }
  }
}

struct Format {
  DType type;
  int index, group, stretch;
  int64_t (*row_group_bytes)(int64_t units);
  const int8_t* table;
  decltype(&pack_row_group<BlockQ4_0>) pack;
  decltype(&multiply<BlockQ4_0>) reference;
};

template <class Block>
constexpr const int8_t* table_of() {
  if constexpr (kHasTable<Block>) {
    return Block::kTable;
  } else {
    return nullptr;
  }
}

#define AVOCADO_FORMAT(name, Block)  \
  {DType::name,                      \
   k_##name,                         \
   Block::kGroup,                    \
   LayoutOf<Block>::kStretch,        \
   LayoutOf<Block>::row_group_bytes, \
   table_of<Block>(),                \
   pack_row_group<Block>,            \
   multiply<Block>},
constexpr Format kFormats[] = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_FORMAT)};
#undef AVOCADO_FORMAT

const Format* find_format(DType type) {
  const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                   [&](const Format& f) { return f.type == type; });
  return found == std::end(kFormats) ? nullptr : found;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

size_t bytes_of(const Format& format, const QuantizedKernels* kernels, int64_t out, int64_t in) {
  return kernels
             ? static_cast<size_t>(divide_up(out, kGroupRows) * format.row_group_bytes(in / kUnit))
             : static_cast<size_t>(out) * *dtype_bytes(format.type, in);
}

}  // namespace

// A weight belongs to the implementation that was active when it was packed, and is multiplied by
// it even after another is made active: the bits are the same. The scalar reference keeps the rows
// as they are stored.
struct QuantizedWeight::Impl {
  const Format* format;
  int64_t out, in;
  const QuantizedKernels* kernels;  // null: scalar reference
  Buffer<std::byte> owned;          // empty when the memory is the caller's
  const std::byte* memory;

  int64_t units() const { return in / kUnit; }
  const uint8_t* row_group(int64_t i) const {
    return reinterpret_cast<const uint8_t*>(memory) + i * format->row_group_bytes(units());
  }
};

QuantizedWeight::QuantizedWeight(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QuantizedWeight::QuantizedWeight(QuantizedWeight&&) noexcept = default;
QuantizedWeight& QuantizedWeight::operator=(QuantizedWeight&&) noexcept = default;
QuantizedWeight::~QuantizedWeight() = default;
int64_t QuantizedWeight::out() const { return impl_->out; }
int64_t QuantizedWeight::in() const { return impl_->in; }
size_t QuantizedWeight::bytes() const {
  return bytes_of(*impl_->format, impl_->kernels, impl_->out, impl_->in);
}

bool QuantizedWeight::supports(DType type) { return find_format(type) != nullptr; }

// The number grows when the order of the bytes changes (layout.h, or the codes of a block): files
// that hold the old order are then no longer used.
std::string QuantizedWeight::layout() { return quantized_kernels() ? "quantized-1" : "rows"; }

namespace {

const Format& format_of(DType type, int64_t in) {
  const Format* format = find_format(type);
  if (!format || !dtype_bytes(type, in))
    fail_usage("rows of {} elements of type {} cannot be packed", in, dtype_traits(type)->name);
  return *format;
}

}  // namespace

size_t QuantizedWeight::packed_bytes(DType type, int64_t out, int64_t in) {
  return bytes_of(format_of(type, in), quantized_kernels(), out, in);
}

void QuantizedWeight::pack_into(ThreadPool& pool, DType type, const std::byte* rows, int64_t out,
                                int64_t in, std::byte* packed) {
  const Format& format = format_of(type, in);
  if (!quantized_kernels()) {
    std::memcpy(packed, rows, packed_bytes(type, out, in));
    return;
  }
  const int64_t bytes = format.row_group_bytes(in / kUnit);
  const uint64_t row_bytes = *dtype_bytes(type, in);
  pool.run(divide_up(out, kGroupRows), [&](int64_t i) {
    uint8_t* w = reinterpret_cast<uint8_t*>(packed) + i * bytes;
    std::memset(w, 0, static_cast<size_t>(bytes));
    format.pack(rows + static_cast<uint64_t>(i * kGroupRows) * row_bytes, row_bytes,
                std::min<int64_t>(kGroupRows, out - i * kGroupRows), in, w);
  });
}

QuantizedWeight QuantizedWeight::over(DType type, int64_t out, int64_t in,
                                      const std::byte* packed) {
  return QuantizedWeight(std::make_unique<Impl>(Impl{.format = &format_of(type, in),
                                                     .out = out,
                                                     .in = in,
                                                     .kernels = quantized_kernels(),
                                                     .owned = {},
                                                     .memory = packed}));
}

QuantizedWeight QuantizedWeight::pack(ThreadPool& pool, DType type, const std::byte* rows,
                                      int64_t out, int64_t in) {
  Buffer<std::byte> memory(packed_bytes(type, out, in));
  pack_into(pool, type, rows, out, in, memory.data());
  QuantizedWeight weight = over(type, out, in, memory.data());
  weight.impl_->owned = std::move(memory);
  return weight;
}

namespace {

// Rows of x that a task takes at once: they stay in the second-level cache while the weights of the
// task pass by. With few rows a task is a stretch of weights to stream.
constexpr int64_t kTaskBytes = 1 << 20;
constexpr int64_t kTaskRowGroups = 8;
// From this many rows of x on, unpacking a row group for the matrix unit pays.
constexpr int64_t kMany = 16;

int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

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

  bool serves(const Format& format, const QuantizedKernels* kernels) const {
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

  const RoundedRows* find(const Format& format) const {
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
    const Format& format = *weight->impl().format;
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
    const bool many = x.n >= kMany && kernels.tile_many[index] && use_amx_int8();
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
