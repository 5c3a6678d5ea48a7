#pragma once
// AMX, formats with a float scale per 32 columns. The scales keep each sum of the matrix unit to 32
// columns; storing it and scaling it takes longer than the product itself. Included by amx.h only.

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

struct UnitPanel {
  uint8_t* values;  // [units][8 lines][64]
  float* scales;    // [units][16]
  float* offsets;   // [units][16]
};

template <class L, int line>
AVOCADO_LANES void unpack_lines(const uint8_t* w, Line table, uint8_t* values) {
  _mm512_store_si512(values + line * kLine, values_of<L, line>(w, table));
  if constexpr (line + 1 < kUnitLines) unpack_lines<L, line + 1>(w, table, values);
}

template <class L>
void unpack_units(const QuantizedTile& tile, UnitPanel panel) {
  const uint8_t* w = tile.w;
  Line table{};
  if constexpr (L::kTable) table = load_table<L>(tile.table);
  for (int64_t u = 0; u < tile.units; ++u) {
    unpack_lines<L, 0>(w, table, panel.values + u * kUnitLines * kLine);
    store(panel.scales + u * kGroupRows, load_16<L>(w + L::kPlanes));
    if constexpr (L::kOffsets)
      store(panel.offsets + u * kGroupRows, load_16<L>(w + L::kPlanes + 2 * kGroupRows));
    w += L::kUnitBytes;
  }
}

// Sums of one unit.
AVOCADO_LANES void multiply_unit(const int8_t* a, int64_t step, const uint8_t* lines,
                                 int32_t* sums) {
  __asm__ volatile(
      "tilezero %%tmm0\n\t"
      "tileloadd (%0,%1,1), %%tmm1\n\t"
      "tileloadd (%2,%3,1), %%tmm2\n\t"
      "tdpbssd %%tmm2, %%tmm1, %%tmm0\n\t"
      "tilestored %%tmm0, (%4,%3,1)"
      :
      : "r"(a), "r"(step), "r"(lines), "r"(int64_t{kLine}), "r"(sums)
      : "memory");
}

// The same for two units: the second is multiplied while the first is stored.
AVOCADO_LANES void multiply_two_units(const int8_t* a, int64_t step, const uint8_t* lines,
                                      int32_t* sums) {
  __asm__ volatile(
      "tilezero %%tmm0\n\t"
      "tileloadd (%0,%1,1), %%tmm1\n\t"
      "tileloadd (%2,%3,1), %%tmm2\n\t"
      "tdpbssd %%tmm2, %%tmm1, %%tmm0\n\t"
      "tilezero %%tmm3\n\t"
      "tileloadd (%5,%1,1), %%tmm4\n\t"
      "tileloadd (%6,%3,1), %%tmm5\n\t"
      "tdpbssd %%tmm5, %%tmm4, %%tmm3\n\t"
      "tilestored %%tmm0, (%4,%3,1)\n\t"
      "tilestored %%tmm3, (%7,%3,1)"
      :
      : "r"(a), "r"(step), "r"(lines), "r"(int64_t{kLine}), "r"(sums), "r"(a + kUnit),
        "r"(lines + kUnitLines * kLine), "r"(sums + kTileRows * kGroupRows)
      : "memory");
}

// Adds unit u, whose integer sums lie in `sums`, to the accumulators of 16 rows of x.
template <class L>
AVOCADO_LANES void add_unit(const int32_t* sums, UnitPanel panel, const float* d,
                            const float* x_sums, int64_t units, int64_t u, F32x16* acc) {
  const F32x16 scale = load(panel.scales + u * kGroupRows);
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) {
    const I32x16 dot = {_mm512_load_si512(sums + t * kGroupRows)};
    acc[t] = fma(to_float(dot), scale * splat(d[t * units + u]), acc[t]);
  }
  if constexpr (L::kOffsets) {
    const F32x16 offset = load(panel.offsets + u * kGroupRows);
#pragma GCC unroll 16
    for (int t = 0; t < kTileRows; ++t) acc[t] = fma(offset, splat(x_sums[t * units + u]), acc[t]);
  }
}

// Rows [first, first + 16) of x; the buffers have them all.
template <class L>
void multiply_unit_panel(const QuantizedTile& tile, UnitPanel panel, int64_t first) {
  constexpr int kBytes = kUnitLines * kLine;
  const int64_t units = tile.units, step = tile.x.step;
  const int8_t* a = tile.x.a + first * step;
  const float* d = tile.x.d + first * units;
  const float* x_sums = tile.x.sums + first * units;
  alignas(64) int32_t sums[2 * kTileRows * kGroupRows];
  F32x16 acc[kTileRows];
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) acc[t] = splat(0);
  int64_t u = 0;
  for (; u + 2 <= units; u += 2) {
    // A line of each of the next 16 rows: x is larger than the first-level cache.
#pragma GCC unroll 16
    for (int t = 0; t < kTileRows; ++t)
      __builtin_prefetch(a + (kTileRows + t) * step + u * kUnit, 0, 3);
    multiply_two_units(a + u * kUnit, step, panel.values + u * kBytes, sums);
    add_unit<L>(sums, panel, d, x_sums, units, u, acc);
    add_unit<L>(sums + kTileRows * kGroupRows, panel, d, x_sums, units, u + 1, acc);
  }
  if (u < units) {
    multiply_unit(a + u * kUnit, step, panel.values + u * kBytes, sums);
    add_unit<L>(sums, panel, d, x_sums, units, u, acc);
  }
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) store_row(tile, first + t, acc[t]);
}

template <class L>
void multiply_units_amx(const QuantizedTile& tile) {
  auto* scales = reinterpret_cast<float*>(tile.scratch + tile.units * kUnitLines * kLine);
  const UnitPanel panel = {tile.scratch, scales, scales + tile.units * kGroupRows};
  unpack_units<L>(tile, panel);
  TileConfig config;
  for (int i : {0, 3}) {  // sums, rows of x, lines of the panel
    config.set(i, kTileRows, kLine);
    config.set(i + 1, kTileRows, kUnit);
    config.set(i + 2, kUnitLines, kLine);
  }
  begin_tiles(config);
  for (int64_t first = 0; first < tile.tokens; first += kTileRows)
    multiply_unit_panel<L>(tile, panel, first);
  end_tiles();
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
