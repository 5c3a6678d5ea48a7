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
    if constexpr (L::kSuper) {
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
        if constexpr (L::kSuper) {
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

using reference::QuantizedInput;

// Rows [r0, r1) of the weight times all rows of x.
template <class Block>
AVOCADO_FMA_CLONES void multiply(const std::byte* rows, int64_t r0, int64_t r1, int64_t in,
                                 const std::vector<QuantizedInput>& x, const float* bias, float* y,
                                 int64_t out) {
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
  int index, group;
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

#define AVOCADO_FORMAT(name, Block)                     \
  {DType::name,       k_##name,                         \
   Block::kGroup,     LayoutOf<Block>::row_group_bytes, \
   table_of<Block>(), pack_row_group<Block>,            \
   multiply<Block>},
constexpr Format kFormats[] = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_FORMAT)};
#undef AVOCADO_FORMAT

const Format* find_format(DType type) {
  const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                   [&](const Format& f) { return f.type == type; });
  return found == std::end(kFormats) ? nullptr : found;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

// A weight belongs to the implementation that was active when it was packed, and is multiplied by
// it even after another is made active: the bits are the same. The scalar reference keeps the rows
// as they are stored.
struct QuantizedWeight::Impl {
  const Format* format;
  int64_t out, in;
  const QuantizedKernels* kernels;  // null: scalar reference
  Buffer<uint8_t> memory;

  int64_t units() const { return in / kUnit; }
  const uint8_t* row_group(int64_t i) const {
    return memory.data() + i * format->row_group_bytes(units());
  }
};

QuantizedWeight::QuantizedWeight(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QuantizedWeight::QuantizedWeight(QuantizedWeight&&) noexcept = default;
QuantizedWeight& QuantizedWeight::operator=(QuantizedWeight&&) noexcept = default;
QuantizedWeight::~QuantizedWeight() = default;
int64_t QuantizedWeight::out() const { return impl_->out; }
int64_t QuantizedWeight::in() const { return impl_->in; }
size_t QuantizedWeight::bytes() const { return impl_->memory.size(); }

bool QuantizedWeight::supports(DType type) { return find_format(type) != nullptr; }

QuantizedWeight QuantizedWeight::pack(ThreadPool& pool, DType type, const std::byte* rows,
                                      int64_t out, int64_t in) {
  const Format* format = find_format(type);
  const std::optional<uint64_t> row_bytes = dtype_bytes(type, in);
  if (!format || !row_bytes)
    fail_usage("rows of {} elements of type {} cannot be packed", in, dtype_traits(type)->name);
  auto impl = std::make_unique<Impl>();
  impl->format = format;
  impl->out = out;
  impl->in = in;
  impl->kernels = quantized_kernels();
  if (impl->kernels) {
    const int64_t groups = divide_up(out, kGroupRows), bytes = format->row_group_bytes(in / kUnit);
    impl->memory = Buffer<uint8_t>(static_cast<size_t>(groups * bytes));
    pool.run(groups, [&](int64_t i) {
      uint8_t* w = impl->memory.data() + i * bytes;
      std::memset(w, 0, static_cast<size_t>(bytes));
      format->pack(rows + static_cast<uint64_t>(i * kGroupRows) * *row_bytes, *row_bytes,
                   std::min<int64_t>(kGroupRows, out - i * kGroupRows), in, w);
    });
  } else {
    impl->memory = Buffer<uint8_t>(static_cast<size_t>(out) * *row_bytes);
    std::memcpy(impl->memory.data(), rows, impl->memory.size());
  }
  return QuantizedWeight(std::move(impl));
}

namespace {

void linear_reference(ThreadPool& pool, const float* x, const QuantizedWeight::Impl& w,
                      const float* bias, float* y, int64_t n) {
  std::vector<QuantizedInput> rows;
  for (int64_t t = 0; t < n; ++t) rows.emplace_back(x + t * w.in, w.in);
  pool.run_chunks(w.out, kGroupRows, [&](int64_t begin, int64_t end) {
    w.format->reference(reinterpret_cast<const std::byte*>(w.memory.data()), begin, end, w.in, rows,
                        bias, y, w.out);
  });
}

// Rows of x that a task takes at once: they stay in the second-level cache while the weights of the
// task pass by. With few rows a task is a stretch of weights to stream.
constexpr int64_t kTaskBytes = 1 << 20;
constexpr int64_t kTaskRowGroups = 8;
// From this many rows of x on, unpacking a row group for the matrix unit pays.
constexpr int64_t kMany = 16;

int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

// Rows of x, quantized; kept by the calling thread for the next call.
struct QuantizedBuffers {
  Buffer<int8_t> a;
  Buffer<float> d, sums;
  Buffer<int32_t> start;
  int64_t step = 0, units = 0, groups = 0;

  void resize(int64_t rows, int64_t in, int group) {
    // Not a multiple of a page: rows of a tile would fight for the same cache sets.
    step = round_up(in, kLine) + kLine;
    units = in / kUnit;
    groups = in / group;
    a.reserve(static_cast<size_t>(rows * step));
    d.reserve(static_cast<size_t>(rows * units));
    sums.reserve(static_cast<size_t>(rows * groups));
    start.reserve(static_cast<size_t>(rows * groups));
  }
  QuantizedRows from(int64_t row) const {
    return {a.data() + row * step, step, d.data() + row * units, start.data() + row * groups,
            sums.data() + row * groups};
  }
};

}  // namespace

void linear(ThreadPool& pool, const float* x, const QuantizedWeight& weight, const float* bias,
            float* y, int64_t n) {
  const QuantizedWeight::Impl& w = weight.impl();
  if (!w.kernels) return linear_reference(pool, x, w, bias, y, n);
  const QuantizedKernels& kernels = *w.kernels;
  const Format& format = *w.format;
  const bool many = n >= kMany && kernels.tile_many[format.index] && use_amx_int8();
  const auto tile_kernel = many ? kernels.tile_many[format.index] : kernels.tile[format.index];

  thread_local QuantizedBuffers kept;
  QuantizedBuffers& rows = kept;
  rows.resize(round_up(n, kMatrixRows), w.in, format.group);
  pool.run_chunks(n, rows_per_task(w.in), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      kernels.quantize({.x = x + t * w.in,
                        .in = w.in,
                        .group = format.group,
                        .taken_off = kernels.taken_off[format.index],
                        .a = rows.a.data() + t * rows.step,
                        .d = rows.d.data() + t * rows.units,
                        .start = rows.start.data() + t * rows.groups,
                        .sums = rows.sums.data() + t * rows.groups});
  });

  // AMX takes whole tiles of rows: those behind the last are zero.
  const int64_t behind = round_up(n, kMatrixRows) - n;
  std::fill_n(rows.a.data() + n * rows.step, behind * rows.step, int8_t{0});
  std::fill_n(rows.d.data() + n * rows.units, behind * rows.units, 0.0f);
  std::fill_n(rows.sums.data() + n * rows.groups, behind * rows.groups, 0.0f);

  const int64_t task_rows = std::max<int64_t>(kMatrixRows, kTaskBytes / w.in / 16 * 16);
  const int64_t down = divide_up(n, task_rows), row_groups = divide_up(w.out, kGroupRows);
  const int64_t across = divide_up(row_groups, kTaskRowGroups);
  pool.run(down * across, [&](int64_t task) {
    thread_local Buffer<uint8_t> scratch;
    if (many) scratch.reserve(static_cast<size_t>(scratch_bytes(rows.units)));
    const int64_t t = task / across * task_rows, first = task % across * kTaskRowGroups;
    QuantizedTile tile;
    tile.units = rows.units;
    tile.table = format.table;
    tile.x = rows.from(t);
    tile.tokens = std::min(task_rows, n - t);
    tile.ldy = w.out;
    tile.scratch = scratch.data();
    for (int64_t i = first; i < std::min(row_groups, first + kTaskRowGroups); ++i) {
      tile.w = w.row_group(i);
      tile.y = y + t * w.out + i * kGroupRows;
      tile.bias = bias ? bias + i * kGroupRows : nullptr;
      tile.rows = w.out - i * kGroupRows;
      tile_kernel(tile);
    }
  });
}

}  // namespace avocado::kernels
