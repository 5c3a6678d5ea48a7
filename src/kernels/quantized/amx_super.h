#pragma once
// AMX, formats with integer scales of groups in 256 columns. Value times scale is an integer of at
// most 15 bits. Written in two digits, value * scale = 256 * high + low with int8 digits, it is
// multiplied by the matrix unit for all 256 columns at once, whatever the groups; where a product
// fits into 8 bits (Q2_K) one digit is enough. The result is the same integer as everywhere.
// Included by amx.h only.

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

template <class L>
constexpr int kDigits = L::kShared ? 1 : 2;  // 3 * 15 in one byte; 127 * 128 in two

struct SuperPanel {
  uint8_t* low;    // [units][8 lines][64]
  uint8_t* high;   // the same; with two digits
  float* scales;   // [supers][16]
  float* offsets;  // [supers][16]
  int16_t* taken;  // [supers][pairs of groups][16][2]: integer offsets
};

// A scale per row of 16, in each of the four 16-bit numbers of the row: rows 0 to 7, rows 8 to 15.
struct SpreadScales {
  __m512i v[2];

  explicit SpreadScales(I32x16 codes) {
    const __m512i words = _mm512_castsi256_si512(_mm512_cvtepi32_epi16(codes.v));
    const __m512i rows = _mm512_set_epi16(7, 7, 7, 7, 6, 6, 6, 6, 5, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3,
                                          3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    v[0] = _mm512_permutexvar_epi16(rows, words);
    v[1] = _mm512_permutexvar_epi16(_mm512_add_epi16(rows, _mm512_set1_epi16(8)), words);
  }
};

// Lines of group g of a unit.
template <class L, int line, int end>
AVOCADO_LANES void unpack_scaled(const uint8_t* w, Line table, const SpreadScales& scales,
                                 uint8_t* low, uint8_t* high) {
  const __m512i values = values_of<L, line>(w, table);
  const __m256i halves[2] = {_mm512_castsi512_si256(values), _mm512_extracti64x4_epi64(values, 1)};
  for (int i = 0; i < 2; ++i) {
    const __m512i product = _mm512_mullo_epi16(_mm512_cvtepi8_epi16(halves[i]), scales.v[i]);
    const int at = line * kLine + i * kLine / 2;
    _mm256_store_si256(reinterpret_cast<__m256i*>(low + at), _mm512_cvtepi16_epi8(product));
    if constexpr (kDigits<L> == 2) {
      const __m512i rest = _mm512_add_epi16(product, _mm512_set1_epi16(128));
      _mm256_store_si256(reinterpret_cast<__m256i*>(high + at),
                         _mm512_cvtepi16_epi8(_mm512_srai_epi16(rest, 8)));
    }
  }
  if constexpr (line + 1 < end) unpack_scaled<L, line + 1, end>(w, table, scales, low, high);
}

template <class L, int g>
AVOCADO_LANES void unpack_group(const uint8_t* w, Line table, uint8_t* low, uint8_t* high,
                                int16_t* taken) {
  constexpr int lines = kUnitLines / L::kGroups;
  const SpreadScales scales(scale_codes<L, g>(w + L::kPlanes));
  unpack_scaled<L, g * lines, (g + 1) * lines>(w, table, scales, low, high);
  if constexpr (L::kOffsets) {
    alignas(64) int32_t codes[kGroupRows];
    _mm512_store_si512(codes, offset_codes<L, g>(w + L::kPlanes).v);
    for (int row = 0; row < kGroupRows; ++row) taken[2 * row] = static_cast<int16_t>(codes[row]);
  }
}

template <class L>
void unpack_supers(const QuantizedTile& tile, SuperPanel panel) {
  constexpr int kBytes = kUnitLines * kLine;
  const uint8_t* w = tile.w;
  Line table{};
  if constexpr (L::kTable) table = load_table<L>(tile.table);
  for (int64_t u = 0; u < tile.units; ++u) {
    if (u % kSuperUnits == 0) {
      const int64_t s = u / kSuperUnits;
      store(panel.scales + s * kGroupRows, super_scale<L>(w));
      if constexpr (L::kOffsets) store(panel.offsets + s * kGroupRows, super_offset<L>(w));
      w += L::kFloatScales;
    }
    // Group i of all stands at the even or odd places of pair i / 2.
    const auto taken = [&](int64_t i) { return panel.taken + i / 2 * 2 * kGroupRows + i % 2; };
    uint8_t *low = panel.low + u * kBytes, *high = panel.high + u * kBytes;
    unpack_group<L, 0>(w, table, low, high, taken(u * L::kGroups));
    if constexpr (L::kGroups > 1)
      unpack_group<L, 1>(w, table, low, high, taken(u * L::kGroups + 1));
    w += L::kUnitBytes;
  }
}

constexpr int kTileNumbers = kTileRows * kGroupRows;

// Sums of 256 columns for 16 * Tiles rows of x, at sums + (digit * 2 + tile of x) * kTileNumbers.
// Tiles 0 to 3 hold sums, 4 and 5 rows of x, 6 and 7 the digits of 64 columns.
template <int Tiles, int Digits>
AVOCADO_LANES void multiply_super(const int8_t* a, int64_t step, const uint8_t* low,
                                  const uint8_t* high, int32_t* sums) {
  const int64_t line = kLine;
  __asm__ volatile("tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3" ::
                       : "memory");
  for (int k = 0; k < kSuper / 64; ++k, a += 64, low += 16 * kLine, high += 16 * kLine) {
    __asm__ volatile(
        "tileloadd (%0,%1,1), %%tmm4\n\t"
        "tileloadd (%2,%3,1), %%tmm6\n\t"
        "tdpbssd %%tmm6, %%tmm4, %%tmm0"
        :
        : "r"(a), "r"(step), "r"(low), "r"(line)
        : "memory");
    if constexpr (Tiles == 2)
      __asm__ volatile(
          "tileloadd (%0,%1,1), %%tmm5\n\t"
          "tdpbssd %%tmm6, %%tmm5, %%tmm1"
          :
          : "r"(a + kTileRows * step), "r"(step)
          : "memory");
    if constexpr (Digits == 2)
      __asm__ volatile(
          "tileloadd (%0,%1,1), %%tmm7\n\t"
          "tdpbssd %%tmm7, %%tmm4, %%tmm2"
          :
          : "r"(high), "r"(line)
          : "memory");
    if constexpr (Digits == 2 && Tiles == 2)
      __asm__ volatile("tdpbssd %%tmm7, %%tmm5, %%tmm3" ::: "memory");
  }
  __asm__ volatile("tilestored %%tmm0, (%0,%1,1)" : : "r"(sums), "r"(line) : "memory");
  if constexpr (Digits == 2)
    __asm__ volatile("tilestored %%tmm2, (%0,%1,1)"
                     :
                     : "r"(sums + 2 * kTileNumbers), "r"(line)
                     : "memory");
  if constexpr (Tiles == 2)
    __asm__ volatile("tilestored %%tmm1, (%0,%1,1)"
                     :
                     : "r"(sums + kTileNumbers), "r"(line)
                     : "memory");
  if constexpr (Digits == 2 && Tiles == 2)
    __asm__ volatile("tilestored %%tmm3, (%0,%1,1)"
                     :
                     : "r"(sums + 3 * kTileNumbers), "r"(line)
                     : "memory");
}

// Rows [first, first + 16 * Tiles) of x; the buffers have them all.
template <class L, int Tiles>
void multiply_super_panel(const QuantizedTile& tile, SuperPanel panel, int64_t first) {
  constexpr int kBytes = kSuperUnits * kUnitLines * kLine, kGroups = kSuperUnits * L::kGroups;
  const int64_t supers = tile.units / kSuperUnits, step = tile.x.step;
  const int8_t* a = tile.x.a + first * step;
  const float* d = tile.x.d + first * supers;
  const int16_t* group_sums = tile.x.group_sums + first * supers * kGroups;
  alignas(64) int32_t sums[4 * kTileNumbers];
  alignas(64) float acc[Tiles * kTileNumbers] = {};
  for (int64_t s = 0; s < supers; ++s) {
    multiply_super<Tiles, kDigits<L>>(a + s * kSuper, step, panel.low + s * kBytes,
                                      panel.high + s * kBytes, sums);
    const F32x16 scale = load(panel.scales + s * kGroupRows);
    const F32x16 offset = L::kOffsets ? load(panel.offsets + s * kGroupRows) : splat(0);
#pragma GCC unroll 8
    for (int t = 0; t < Tiles * kTileRows; ++t) {
      const int32_t* sum = sums + t * kGroupRows;
      __m512i total = _mm512_load_si512(sum);
      if constexpr (kDigits<L> == 2)
        total = _mm512_add_epi32(_mm512_slli_epi32(_mm512_load_si512(sum + 2 * kTileNumbers), 8),
                                 total);
      const F32x16 dt = splat(d[t * supers + s]);
      F32x16 y = fma(to_float(I32x16{total}), scale * dt, load(acc + t * kGroupRows));
      if constexpr (L::kOffsets) {
        const int16_t* taken = panel.taken + s * kGroups * kGroupRows;
        const int16_t* of_row = group_sums + (t * supers + s) * kGroups;
        I32x16 offsets = splat_int(0);
        for (int pair = 0; pair < kGroups / 2; ++pair)
          offsets = add_pairs(offsets, Pairs{_mm512_load_si512(taken + pair * 2 * kGroupRows)},
                              of_row + 2 * pair);
        y = fma(to_float(offsets), offset * dt, y);
      }
      store(acc + t * kGroupRows, y);
    }
  }
  for (int t = 0; t < Tiles * kTileRows; ++t)
    store_row(tile, first + t, load(acc + t * kGroupRows));
}

template <class L>
void multiply_supers_amx(const QuantizedTile& tile) {
  const int64_t bytes = tile.units * kUnitLines * kLine, supers = tile.units / kSuperUnits;
  auto* floats = reinterpret_cast<float*>(tile.scratch + 2 * bytes);
  const SuperPanel panel = {tile.scratch, tile.scratch + bytes, floats,
                            floats + supers * kGroupRows,
                            reinterpret_cast<int16_t*>(floats + 2 * supers * kGroupRows)};
  unpack_supers<L>(tile, panel);
  TileConfig config;
  for (int i = 0; i < 8; ++i) config.set(i, kTileRows, kLine);
  begin_tiles(config);
  int64_t first = 0;
  for (; first + kTileRows < tile.tokens; first += 2 * kTileRows)
    multiply_super_panel<L, 2>(tile, panel, first);
  if (first < tile.tokens) multiply_super_panel<L, 1>(tile, panel, first);
  end_tiles();
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
