// One kernel per layout, for one token and for many: a line of weights is unpacked once for up to
// kTokens rows of x, and each of these keeps its 16 outputs in registers while k ascends.

#include "kernels/quantized/formats.h"
#include "kernels/quantized/lines.h"

namespace avocado::kernels::AVOCADO_ISA_NS {

namespace {

// How far ahead weights are fetched: with one row of x they come from memory as fast as it gives.
constexpr int kFetchAhead = 4096;

#if defined(__AVX512F__)
constexpr int kTokens = 8;
#else
constexpr int kTokens = 4;
#endif

// What is taken off the codes that a product sees: with a table, what load_table adds.
template <class L>
constexpr int kTakenOff = L::kTable ? 128 : L::kBias;

// Bits from `from` on to bits from `to` on.
template <int from, int to>
AVOCADO_LANES Line move_bits(Line a) {
  if constexpr (from > to) {
    return right<from - to>(a);
  } else if constexpr (from < to) {
    return left<to - from>(a);
  } else {
    return a;
  }
}

// The planes of bits of a unit, read once: a line is seldom aligned, and then costs two reads.
template <class L>
struct Planes {
  Line nibbles[4], pairs[2], singles;

  __attribute__((always_inline)) static Planes load(const uint8_t* w) {
    const uint8_t *pairs_at = w + L::kNibbles, *singles_at = pairs_at + L::kPairs;
    Planes planes{};
    if constexpr (L::kNibbles > 0)
      for (int i = 0; i < 4; ++i) planes.nibbles[i] = load_plane(w + i * kLine);
    if constexpr (L::kPairs > 0)
      for (int i = 0; i < 2; ++i) planes.pairs[i] = load_plane(pairs_at + i * kLine);
    if constexpr (L::kSingles > 0) planes.singles = load_plane(singles_at);
    return planes;
  }
};

// Line `line` of the unit at w, as the product takes it.
template <class L, int line>
AVOCADO_LANES Line unpack(const uint8_t* w, const Planes<L>& planes, Line table) {
  if constexpr (L::kBits == 8) {
    return prepare<L>(load_line(w + line * kLine));
  } else if constexpr (L::kNibbles > 0) {
    Line code = keep(move_bits<line / 4 * 4, 0>(planes.nibbles[line % 4]), 0x0f);
    if constexpr (L::kPairs > 0)
      code = join(code, keep(move_bits<line % 4 * 2, 4>(planes.pairs[line / 4]), 0x30));
    if constexpr (L::kSingles > 0)
      code = join(code, keep(move_bits<line, 4>(planes.singles), 0x10));
    return L::kTable ? look_up(table, code) : prepare<L>(code);
  } else {
    Line code = keep(move_bits<line % 4 * 2, 0>(planes.pairs[line / 4]), 0x03);
    if constexpr (L::kSingles > 0)
      code = join(code, keep(move_bits<line, 2>(planes.singles), 0x04));
    return L::kTable ? look_up(table, code) : prepare<L>(code);
  }
}
template <class L, int line>
AVOCADO_LANES Line unpack(const uint8_t* w, Line table) {
  return unpack<L, line>(w, Planes<L>::load(w), table);
}

// Adds lines [line, end) of a unit to the sums of T rows of x, `step` bytes apart.
template <class L, int T, int line, int end>
AVOCADO_LANES void add_lines(const uint8_t* w, const Planes<L>& planes, Line table, const int8_t* a,
                             int64_t step, I32x16* sum) {
  const Line values = unpack<L, line>(w, planes, table);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) sum[t] = dot<L>(sum[t], values, a + t * step + 4 * line);
  if constexpr (line + 1 < end) add_lines<L, T, line + 1, end>(w, planes, table, a, step, sum);
}

template <class L>
AVOCADO_LANES F32x16 load_16(const uint8_t* p) {
  return L::kScales == PackedScales16::bfloat ? load_bfloat(p) : load_half(p);
}

// Scales and offsets of group g, for the 16 rows; `p` is behind the planes of the unit.
template <class L, int g>
AVOCADO_LANES F32x16 group_scale(const uint8_t* p, F32x16 super) {
  if constexpr (!L::kSuper) {
    return load_16<L>(p);
  } else if constexpr (L::kShared) {
    return super * load_low_nibbles(p + g * kGroupRows);
  } else {
    return super * load_int8(p + g * kGroupRows);
  }
}
template <class L, int g>
AVOCADO_LANES F32x16 group_offset(const uint8_t* p, F32x16 super) {
  if constexpr (!L::kSuper) {
    return load_16<L>(p + 2 * kGroupRows);
  } else if constexpr (L::kShared) {
    return super * load_high_nibbles(p + g * kGroupRows);
  } else {
    return super * load_uint8(p + (L::kGroups + g) * kGroupRows);
  }
}

// Reads the scales that stand before unit u, if it is the first of 256 columns; offsets negated.
template <class L>
AVOCADO_LANES void read_super(const uint8_t*& w, int64_t u, F32x16& scale, F32x16& offset) {
  if constexpr (L::kSuper) {
    if (u % kSuperUnits != 0) return;
    scale = load_half(w);
    if constexpr (L::kDivisor != 1) scale = scale * splat(1.0f / L::kDivisor);
    if constexpr (L::kOffsets) offset = negate(load_half(w + 2 * kGroupRows));
    w += L::kFloatScales;
  }
}

// Group g of a unit for T rows of x.
template <class L, int T, int g>
AVOCADO_LANES void add_group(const uint8_t* w, const Planes<L>& planes, Line table, const int8_t* a,
                             int64_t step, int64_t units, const float* d, const int32_t* start,
                             const float* sums, F32x16 super_scale, F32x16 super_offset,
                             F32x16* acc) {
  constexpr int lines = kUnitLines / L::kGroups;
  const int64_t groups = units * L::kGroups;
  I32x16 sum[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) sum[t] = splat_int(kUnsigned<L> ? start[t * groups + g] : 0);
  add_lines<L, T, g * lines, (g + 1) * lines>(w, planes, table, a, step, sum);
  const F32x16 scale = group_scale<L, g>(w + L::kPlanes, super_scale);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) acc[t] = fma(to_float(sum[t]), scale * splat(d[t * units]), acc[t]);
  if constexpr (L::kOffsets) {
    const F32x16 offset = group_offset<L, g>(w + L::kPlanes, super_offset);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) acc[t] = fma(offset, splat(sums[t * groups + g]), acc[t]);
  }
}

// Rows [first, first + T) of x.
template <class L, int T>
void multiply(const QuantizedTile& tile, int64_t first) {
  const int64_t groups = tile.units * L::kGroups;
  const int8_t* a = tile.x.a + first * tile.x.step;
  const float* d = tile.x.d + first * tile.units;
  const int32_t* start = tile.x.start + first * groups;
  const float* sums = tile.x.sums + first * groups;
  const uint8_t* w = tile.w;
  Line table{};
  if constexpr (L::kTable) table = load_table<L>(tile.table);
  F32x16 acc[T], super_scale = splat(0), super_offset = splat(0);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) acc[t] = splat(0);
  for (int64_t u = 0; u < tile.units; ++u) {
    read_super<L>(w, u, super_scale, super_offset);
#pragma GCC unroll 10
    for (int line = 0; line < L::kUnitBytes; line += kLine)
      __builtin_prefetch(w + kFetchAhead + line, 0, 3);
    const Planes<L> planes = Planes<L>::load(w);
    add_group<L, T, 0>(w, planes, table, a, tile.x.step, tile.units, d, start, sums, super_scale,
                       super_offset, acc);
    if constexpr (L::kGroups > 1)
      add_group<L, T, 1>(w, planes, table, a, tile.x.step, tile.units, d, start, sums, super_scale,
                         super_offset, acc);
    w += L::kUnitBytes;
    a += kUnit;
    d += 1;
    start += L::kGroups;
    sums += L::kGroups;
  }
  const int rows = lanes_left(tile.rows);
  const F32x16 bias = tile.bias ? load_some(tile.bias, rows) : splat(0);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t)
    store_some(tile.y + (first + t) * tile.ldy, tile.bias ? acc[t] + bias : acc[t], rows);
}

template <class L>
void tile(const QuantizedTile& t) {
  int64_t first = 0;
  for (; first + kTokens <= t.tokens; first += kTokens) multiply<L, kTokens>(t, first);
  if constexpr (kTokens > 4) {
    if (first + 4 <= t.tokens) {
      multiply<L, 4>(t, first);
      first += 4;
    }
  }
  if (first + 2 <= t.tokens) {
    multiply<L, 2>(t, first);
    first += 2;
  }
  if (first < t.tokens) multiply<L, 1>(t, first);
}

void quantize(const QuantizedRow& row) {
  constexpr float kMagic = 0x1.8p23f;  // x + kMagic has x, rounded to an integer, in its low bits
  const int groups = kUnit / row.group;
  const I32x16 size = splat_int(0x7fffffff);
  for (int64_t u = 0; u < row.in / kUnit; ++u) {
    const F32x16 low = load(row.x + u * kUnit), high = load(row.x + u * kUnit + kLanes);
    // As integers, sizes are in order, with NaN above infinity.
    const int32_t most = max_lane(max_int(bits(low) & size, bits(high) & size));
    float m;
    __builtin_memcpy(&m, &most, sizeof m);
    const bool finite = most < 0x7f800000, zero = !finite || m < kTiny;
    const F32x16 r = splat(zero ? 0.0f : 127.0f / m), magic = splat(kMagic);
    const I32x16 offset = splat_int(0x4b400000);
    I32x16 a0 = splat_int(0), a1 = a0;
    if (!zero) {
      a0 = bits(low * r + magic) - offset;
      a1 = bits(high * r + magic) - offset;
    }
    store_int8(row.a + u * kUnit, a0);
    store_int8(row.a + u * kUnit + kLanes, a1);
    const float d = !finite ? __builtin_nanf("") : zero ? 0.0f : m / 127.0f;
    row.d[u] = d;
    const int32_t sum[2] = {groups == 2 ? sum_int(a0) : sum_int(a0 + a1),
                            groups == 2 ? sum_int(a1) : 0};
    for (int g = 0; g < groups; ++g) {
      row.start[u * groups + g] = -row.taken_off * sum[g];
      row.sums[u * groups + g] = static_cast<float>(sum[g]) * d;
    }
  }
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS

#if defined(__AVX512F__)
#include "kernels/quantized/amx.h"
#define AVOCADO_TILE_MANY(type, Block) tile_amx<LayoutOf<Block>>,
#else
#define AVOCADO_TILE_MANY(type, Block) nullptr,
#endif

namespace avocado::kernels::AVOCADO_ISA_NS {

#define AVOCADO_TILE(type, Block) tile<LayoutOf<Block>>,
#define AVOCADO_TAKEN_OFF(type, Block) kTakenOff<LayoutOf<Block>>,
static constexpr QuantizedKernels kKernels = {
    .tile = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_TILE)},
    .tile_many = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_TILE_MANY)},
    .taken_off = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_TAKEN_OFF)},
    .quantize = quantize,
};

const QuantizedKernels* quantized_kernels() { return &kKernels; }

#if !defined(__AVX512F__)
#define AVOCADO_TILE_DOT(type, Block) tile<WithDot<LayoutOf<Block>>>,
static constexpr QuantizedKernels kDotKernels = {
    .tile = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_TILE_DOT)},
    .tile_many = {},
    .taken_off = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_TAKEN_OFF)},
    .quantize = quantize,
};

const QuantizedKernels* quantized_kernels_dot() { return &kDotKernels; }
#endif

}  // namespace avocado::kernels::AVOCADO_ISA_NS
