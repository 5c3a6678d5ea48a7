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

// Integer scales and offsets of group g, for the 16 rows; `p` is behind the planes of the unit.
template <class L, int g>
AVOCADO_LANES I32x16 scale_codes(const uint8_t* p) {
  return L::kShared ? load_low_nibbles(p + g * kGroupRows) : load_int8(p + g * kGroupRows);
}
template <class L, int g>
AVOCADO_LANES I32x16 offset_codes(const uint8_t* p) {
  return L::kShared ? load_high_nibbles(p + g * kGroupRows)
                    : load_uint8(p + (L::kGroups + g) * kGroupRows);
}

// The float scale and offset that stand before 256 columns.
template <class L>
AVOCADO_LANES F32x16 super_scale(const uint8_t* p) {
  const F32x16 scale = load_half(p);
  return L::kDivisor == 1 ? scale : scale * splat(1.0f / L::kDivisor);
}
template <class L>
AVOCADO_LANES F32x16 super_offset(const uint8_t* p) {
  return negate(load_half(p + 2 * kGroupRows));
}

// Where the kernel stands in T rows of x.
template <class L>
struct Place {
  const int8_t* a;
  int64_t step, groups;  // from row to row
  const int32_t* start;
  const float* sums;
  const int16_t* group_sums;

  void next_unit() {
    a += kUnit;
    start += L::kGroups;
    sums += L::kInteger ? 0 : L::kGroups;
    group_sums += L::kInteger ? L::kGroups : 0;
  }
};

// Integer sums of group g of a unit.
template <class L, int T, int g>
AVOCADO_LANES void sum_group(const uint8_t* w, const Planes<L>& planes, Line table,
                             const Place<L>& x, I32x16* sum) {
  constexpr int lines = kUnitLines / L::kGroups;
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) sum[t] = splat_int(kUnsigned<L> ? x.start[t * x.groups + g] : 0);
  add_lines<L, T, g * lines, (g + 1) * lines>(w, planes, table, x.a, x.step, sum);
}

// Group g of a unit with float scales; d has a number per unit.
template <class L, int T, int g>
AVOCADO_LANES void add_group(const uint8_t* w, const Planes<L>& planes, Line table,
                             const Place<L>& x, const float* d, int64_t units, F32x16* acc) {
  I32x16 sum[T];
  sum_group<L, T, g>(w, planes, table, x, sum);
  const F32x16 scale = load_16<L>(w + L::kPlanes);
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) acc[t] = fma(to_float(sum[t]), scale * splat(d[t * units]), acc[t]);
  if constexpr (L::kOffsets) {
    const F32x16 offset = load_16<L>(w + L::kPlanes + 2 * kGroupRows);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) acc[t] = fma(offset, splat(x.sums[t * x.groups + g]), acc[t]);
  }
}

// Sums of 16 products that 16 bits hold, so that two groups are multiplied by their scales at once.
template <class L>
constexpr bool kSumsInPairs = L::kGroups == 2 && !L::kTable && L::kBits <= 4;

// A unit with integer scales: adds to the sums of 256 columns.
template <class L, int T>
AVOCADO_LANES void add_scaled_unit(const uint8_t* w, const Place<L>& x, Line table,
                                   I32x16* scaled) {
  const Planes<L> planes = Planes<L>::load(w);
  const uint8_t* codes = w + L::kPlanes;
  I32x16 sum[T];
  sum_group<L, T, 0>(w, planes, table, x, sum);
  if constexpr (kSumsInPairs<L>) {
    I32x16 next[T];
    sum_group<L, T, 1>(w, planes, table, x, next);
    const Pairs scales = interleave(scale_codes<L, 0>(codes), scale_codes<L, 1>(codes));
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t)
      scaled[t] = add_pairs(scaled[t], interleave(sum[t], next[t]), scales);
  } else {
    const I32x16 scale = scale_codes<L, 0>(codes);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) scaled[t] = scaled[t] + multiply_int(sum[t], scale);
    if constexpr (L::kGroups == 2) {
      sum_group<L, T, 1>(w, planes, table, x, sum);
      const I32x16 second = scale_codes<L, 1>(codes);
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) scaled[t] = scaled[t] + multiply_int(sum[t], second);
    }
  }
}

// Offsets of 256 columns, whose first unit is at w, times the sums of x in their groups.
template <class L, int T>
AVOCADO_LANES void sum_offsets(const uint8_t* w, const Place<L>& x, I32x16* taken) {
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) taken[t] = splat_int(0);
  constexpr int units = 2 / L::kGroups;  // that hold two groups
  for (int pair = 0; pair < kSuperUnits / units; ++pair) {
    const uint8_t* codes = w + pair * units * L::kUnitBytes + L::kPlanes;
    const I32x16 second = units == 2 ? offset_codes<L, 0>(codes + L::kUnitBytes)
                                     : offset_codes<L, L::kGroups - 1>(codes);
    const Pairs offsets = interleave(offset_codes<L, 0>(codes), second);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t)
      taken[t] = add_pairs(taken[t], offsets, x.group_sums + t * x.groups + 2 * pair);
  }
}

AVOCADO_LANES void fetch_ahead(const uint8_t* w, int bytes) {
#pragma GCC unroll 10
  for (int line = 0; line < bytes; line += kLine) __builtin_prefetch(w + kFetchAhead + line, 0, 3);
}

// All columns of a row group with float scales.
template <class L, int T>
AVOCADO_LANES void multiply_units(const QuantizedTile& tile, Line table, Place<L> x, const float* d,
                                  F32x16* acc) {
  static_assert(L::kGroups == 1);
  const uint8_t* w = tile.w;
  for (int64_t u = 0; u < tile.units; ++u) {
    if constexpr (T <= 4) fetch_ahead(w, L::kUnitBytes);
    add_group<L, T, 0>(w, Planes<L>::load(w), table, x, d + u, tile.units, acc);
    w += L::kUnitBytes;
    x.next_unit();
  }
}

// The same with integer scales.
template <class L, int T>
AVOCADO_LANES void multiply_supers(const QuantizedTile& tile, Line table, Place<L> x,
                                   const float* d, F32x16* acc) {
  const uint8_t* w = tile.w;
  const int64_t supers = tile.units / kSuperUnits;
  for (int64_t s = 0; s < supers; ++s) {
    const uint8_t *floats = w, *first = w + L::kFloatScales;
    const Place<L> begin = x;
    w = first;
    I32x16 scaled[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) scaled[t] = splat_int(0);
    for (int u = 0; u < kSuperUnits; ++u) {
      if constexpr (T <= 4) fetch_ahead(w, L::kUnitBytes);
      add_scaled_unit<L, T>(w, x, table, scaled);
      w += L::kUnitBytes;
      x.next_unit();
    }
    const F32x16 scale = super_scale<L>(floats);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t)
      acc[t] = fma(to_float(scaled[t]), scale * splat(d[t * supers + s]), acc[t]);
    if constexpr (L::kOffsets) {
      I32x16 taken[T];
      sum_offsets<L, T>(first, begin, taken);
      const F32x16 offset = super_offset<L>(floats);
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t)
        acc[t] = fma(to_float(taken[t]), offset * splat(d[t * supers + s]), acc[t]);
    }
  }
}

// Rows [first, first + T) of x.
template <class L, int T>
void multiply(const QuantizedTile& tile, int64_t first) {
  const int64_t groups = tile.units * L::kGroups;
  Place<L> x{.a = tile.x.a + first * tile.x.step,
             .step = tile.x.step,
             .groups = groups,
             .start = tile.x.start + first * groups,
             .sums = nullptr,
             .group_sums = nullptr};
  const float* d = tile.x.d + first * (tile.units * kUnit / L::kStretch);
  Line table{};
  if constexpr (L::kTable) table = load_table<L>(tile.table);
  F32x16 acc[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) acc[t] = splat(0);
  if constexpr (L::kInteger) {
    x.group_sums = tile.x.group_sums + first * groups;
    multiply_supers<L, T>(tile, table, x, d, acc);
  } else {
    x.sums = tile.x.sums + first * groups;
    multiply_units<L, T>(tile, table, x, d, acc);
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

// Stores what row t of x gave: adds the bias, and leaves out rows that do not exist.
[[maybe_unused]] AVOCADO_LANES void store_row(const QuantizedTile& tile, int64_t t, F32x16 acc) {
  if (t >= tile.tokens) return;
  const int rows = lanes_left(tile.rows);
  store_some(tile.y + t * tile.ldy, tile.bias ? acc + load_some(tile.bias, rows) : acc, rows);
}

void quantize(const QuantizedRow& row) {
  constexpr float kMagic = 0x1.8p23f;  // x + kMagic has x, rounded to an integer, in its low bits
  const I32x16 size = splat_int(0x7fffffff), offset = splat_int(0x4b400000);
  const F32x16 magic = splat(kMagic);
  for (int64_t first = 0; first < row.in; first += row.stretch) {
    // As integers, sizes are in order, with NaN above infinity.
    I32x16 sizes = splat_int(0);
    for (int i = 0; i < row.stretch; i += kLanes)
      sizes = max_int(sizes, bits(load(row.x + first + i)) & size);
    const int32_t most = max_lane(sizes);
    float m;
    __builtin_memcpy(&m, &most, sizeof m);
    const bool finite = most < 0x7f800000, zero = !finite || m < kTiny;
    const float d = !finite ? __builtin_nanf("") : zero ? 0.0f : m / 127.0f;
    row.d[first / row.stretch] = d;
    const F32x16 r = splat(zero ? 0.0f : 127.0f / m);
    for (int64_t at = first; at < first + row.stretch; at += row.group) {
      I32x16 sums = splat_int(0);
      for (int64_t i = at; i < at + row.group; i += kLanes) {
        const I32x16 a = zero ? splat_int(0) : bits(load(row.x + i) * r + magic) - offset;
        store_int8(row.a + i, a);
        sums = sums + a;
      }
      const int32_t sum = sum_int(sums);
      row.start[at / row.group] = -row.taken_off * sum;
      if (row.sums) row.sums[at / row.group] = static_cast<float>(sum) * d;
      if (row.group_sums) row.group_sums[at / row.group] = static_cast<int16_t>(sum);
    }
  }
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS

#if defined(__AVX512F__)
#include "kernels/quantized/amx.h"
#define AVOCADO_TILE_MANY(type, Block) tile_amx<LayoutOf<Block>>,
#elif defined(__aarch64__)
#include "kernels/quantized/i8mm.h"
#define AVOCADO_TILE_MANY(type, Block) tile_i8mm<LayoutOf<Block>>,
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
    .tile_many = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_TILE_MANY)},
    .taken_off = {AVOCADO_QUANTIZED_FORMATS(AVOCADO_TAKEN_OFF)},
    .quantize = quantize,
};

const QuantizedKernels* quantized_kernels_dot() { return &kDotKernels; }
#endif

}  // namespace avocado::kernels::AVOCADO_ISA_NS
