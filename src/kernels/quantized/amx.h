#pragma once
// Products of many rows of x on the matrix unit of Intel CPUs (AMX). A row group is unpacked once
// to a panel of int8 values and float scales; then a tile multiplication gives the integer sums of
// 16 rows of x by 16 rows of the weight for one group of columns, and the vector unit does the
// rest, in the same order as everywhere.
//
// Written in assembly because the intrinsics ask that whole functions be compiled for AMX. Only
// called when has_amx_int8(). Included by quantized.simd.cc only.

#include "kernels/quantized/lines.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

constexpr int kTileRows = 16;

struct Panel {
  uint8_t* values;  // [units][8 lines][64]
  float* scales;    // [groups][16]
  float* offsets;   // [groups][16]
};

template <class L, int line>
AVOCADO_LANES void unpack_lines(const uint8_t* w, Line table, uint8_t* values) {
  const __m512i off = _mm512_set1_epi8(static_cast<char>(kTakenOff<L>));
  _mm512_store_si512(values + line * kLine, _mm512_sub_epi8(unpack<L, line>(w, table).v, off));
  if constexpr (line + 1 < kUnitLines) unpack_lines<L, line + 1>(w, table, values);
}

template <class L, int g>
AVOCADO_LANES void unpack_scales(const uint8_t* p, F32x16 super_scale, F32x16 super_offset,
                                 float* scales, float* offsets) {
  store(scales + g * kGroupRows, group_scale<L, g>(p, super_scale));
  if constexpr (L::kOffsets) store(offsets + g * kGroupRows, group_offset<L, g>(p, super_offset));
}

template <class L>
void unpack_panel(const QuantizedTile& tile, Panel panel) {
  const uint8_t* w = tile.w;
  Line table{};
  if constexpr (L::kTable) table = load_table(tile.table);
  F32x16 super_scale = splat(0), super_offset = splat(0);
  for (int64_t u = 0; u < tile.units; ++u) {
    read_super<L>(w, u, super_scale, super_offset);
    unpack_lines<L, 0>(w, table, panel.values + u * kUnitLines * kLine);
    float* scales = panel.scales + u * L::kGroups * kGroupRows;
    float* offsets = panel.offsets + u * L::kGroups * kGroupRows;
    unpack_scales<L, 0>(w + L::kPlanes, super_scale, super_offset, scales, offsets);
    if constexpr (L::kGroups > 1)
      unpack_scales<L, 1>(w + L::kPlanes, super_scale, super_offset, scales, offsets);
    w += L::kUnitBytes;
  }
}

// Palette 1: tiles 0 and 3 hold sums, 1 and 4 rows of x, 2 and 5 lines of the panel.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  explicit TileConfig(int group) {
    for (int first : {0, 3}) {
      set(first, kTileRows, kLine);
      set(first + 1, kTileRows, group);
      set(first + 2, group / 4, kLine);
    }
  }
  void set(int tile, int tile_rows, int bytes) {
    rows[tile] = static_cast<uint8_t>(tile_rows);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};

// Sums of one group of columns.
AVOCADO_LANES void multiply_group(const int8_t* a, int64_t step, const uint8_t* lines,
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

// The same for two groups that follow each other: the second is multiplied while the first is
// stored.
AVOCADO_LANES void multiply_two_groups(const int8_t* a, int64_t step, int group,
                                       const uint8_t* lines, int32_t* sums) {
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
      : "r"(a), "r"(step), "r"(lines), "r"(int64_t{kLine}), "r"(sums), "r"(a + group),
        "r"(lines + group * kGroupRows), "r"(sums + kTileRows * kGroupRows)
      : "memory");
}

// Adds group g, whose integer sums lie in `sums`, to the accumulators of 16 rows of x.
template <class L>
AVOCADO_LANES void add_sums(const int32_t* sums, Panel panel, const float* d, const float* x_sums,
                            int64_t units, int64_t g, F32x16* acc) {
  const F32x16 scale = load(panel.scales + g * kGroupRows);
  d += g / L::kGroups;
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) {
    const I32x16 dot = {_mm512_load_si512(sums + t * kGroupRows)};
    acc[t] = fma(to_float(dot), scale * splat(d[t * units]), acc[t]);
  }
  if constexpr (L::kOffsets) {
    const F32x16 offset = load(panel.offsets + g * kGroupRows);
#pragma GCC unroll 16
    for (int t = 0; t < kTileRows; ++t)
      acc[t] = fma(offset, splat(x_sums[t * units * L::kGroups + g]), acc[t]);
  }
}

// Rows [first, first + 16) of x, of which those below tile.tokens count; the others exist in the
// buffers and are not stored.
template <class L>
void multiply_panel(const QuantizedTile& tile, Panel panel, int64_t first) {
  constexpr int bytes = kGroupRows * L::kGroup;  // of a group in the panel
  const int64_t groups = tile.units * L::kGroups, step = tile.x.step;
  const int8_t* a = tile.x.a + first * step;
  const float* d = tile.x.d + first * tile.units;
  const float* x_sums = tile.x.sums + first * groups;
  alignas(64) int32_t sums[2 * kTileRows * kGroupRows];
  F32x16 acc[kTileRows];
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) acc[t] = splat(0);
  int64_t g = 0;
  for (; g + 2 <= groups; g += 2) {
    multiply_two_groups(a + g * L::kGroup, step, L::kGroup, panel.values + g * bytes, sums);
    add_sums<L>(sums, panel, d, x_sums, tile.units, g, acc);
    add_sums<L>(sums + kTileRows * kGroupRows, panel, d, x_sums, tile.units, g + 1, acc);
  }
  if (g < groups) {
    multiply_group(a + g * L::kGroup, step, panel.values + g * bytes, sums);
    add_sums<L>(sums, panel, d, x_sums, tile.units, g, acc);
  }
  const int rows = lanes_left(tile.rows);
  const F32x16 bias = tile.bias ? load_some(tile.bias, rows) : splat(0);
  const int64_t left = tile.tokens - first;
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) {
    if (t < left)
      store_some(tile.y + (first + t) * tile.ldy, tile.bias ? acc[t] + bias : acc[t], rows);
  }
}

template <class L>
void tile_amx(const QuantizedTile& tile) {
  const int64_t groups = tile.units * L::kGroups;
  const Panel panel = {tile.scratch,
                       reinterpret_cast<float*>(tile.scratch + tile.units * kUnitLines * kLine),
                       reinterpret_cast<float*>(tile.scratch + tile.units * kUnitLines * kLine) +
                           groups * kGroupRows};
  unpack_panel<L>(tile, panel);
  const TileConfig config(L::kGroup);
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
  for (int64_t first = 0; first < tile.tokens; first += kTileRows)
    multiply_panel<L>(tile, panel, first);
  __asm__ volatile("tilerelease");
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
