#include "kernels/quantized/quantized.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "kernels/implementations.h"
#include "kernels/quantized/formats.h"
#include "kernels/quantized/reference.h"
#include "kernels/quantized/weight.h"
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
constexpr QuantizedType kFormats[] = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_FORMAT)};
#undef AVOCADO_FORMAT

const QuantizedType* find_format(DType type) {
  const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                   [&](const QuantizedType& f) { return f.type == type; });
  return found == std::end(kFormats) ? nullptr : found;
}

size_t bytes_of(const QuantizedType& format, const QuantizedKernels* kernels, int64_t out,
                int64_t in) {
  return kernels
             ? static_cast<size_t>(divide_up(out, kGroupRows) * format.row_group_bytes(in / kUnit))
             : static_cast<size_t>(out) * *dtype_bytes(format.type, in);
}

}  // namespace

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

const QuantizedType& format_of(DType type, int64_t in) {
  const QuantizedType* format = find_format(type);
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
  const QuantizedType& format = format_of(type, in);
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

}  // namespace avocado::kernels
