#pragma once
// Products of many rows of x with smmla (Arm's i8mm): one instruction multiplies two rows of the
// weight by two rows of x, eight columns of each, twice the products of sdot. Lanes are those four
// sums, {w0 x0, w0 x1, w1 x0, w1 x1}, and stay so until the end: what belongs to the rows of the
// weight is spread to {a0, a0, a1, a1} once per row group, when its values are unpacked to a panel.
// The numbers and their order are those of everywhere.
//
// A block is 4 rows of x by one half of the row group, four pairs of rows. Only called when
// has_arm_i8mm(). Included by quantized.simd.cc only.

#include "kernels/quantized/lines.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

constexpr int kBlockTokens = 4;
constexpr int kHalfPairs = 4;                // pairs of rows in half a row group
constexpr int kStepBytes = kHalfPairs * 16;  // of a half: eight columns
constexpr int kHalfUnit = kStepBytes * 4;    // 32 columns
constexpr int kHalfRows = kGroupRows / 2;
constexpr int kUnitValues = 2 * kHalfUnit;

// Everything of a unit: first half of the row group, then the other.
struct I8mmPanel {
  int8_t* values;   // [units][2 halves][4 steps][4 pairs][2 rows][8 columns]
  int32_t* scales;  // integer scales: [units][groups][8 pairs][4]
  int16_t* taken;   // integer offsets: [units][groups][8 pairs][4]
  float* d;         // float scales: [stretches][8 pairs][4]
  float* offsets;   // float offsets: the same

  I8mmPanel(uint8_t* memory, int64_t units, int groups, int64_t stretches) {
    values = reinterpret_cast<int8_t*>(memory);
    scales = reinterpret_cast<int32_t*>(values + units * kUnitValues);
    taken = reinterpret_cast<int16_t*>(scales + units * groups * 2 * kGroupRows);
    d = reinterpret_cast<float*>(taken + units * groups * 2 * kGroupRows);
    offsets = d + stretches * 2 * kGroupRows;
  }
};

// A number per row, to each lane of that row.
AVOCADO_LANES void spread(F32x16 rows, float* to) {
  for (int i = 0; i < 4; ++i) {
    vst1q_f32(to + 8 * i, vzip1q_f32(rows.v[i], rows.v[i]));
    vst1q_f32(to + 8 * i + 4, vzip2q_f32(rows.v[i], rows.v[i]));
  }
}
AVOCADO_LANES void spread(I32x16 rows, int32_t* to) {
  for (int i = 0; i < 4; ++i) {
    vst1q_s32(to + 8 * i, vzip1q_s32(rows.v[i], rows.v[i]));
    vst1q_s32(to + 8 * i + 4, vzip2q_s32(rows.v[i], rows.v[i]));
  }
}
AVOCADO_LANES void spread(I32x16 rows, int16_t* to) {
  for (int i = 0; i < 4; ++i) {
    vst1_s16(to + 8 * i, vmovn_s32(vzip1q_s32(rows.v[i], rows.v[i])));
    vst1_s16(to + 8 * i + 4, vmovn_s32(vzip2q_s32(rows.v[i], rows.v[i])));
  }
}

// Steps [step, 4) of a unit: two lines of four columns make eight columns of pairs of rows.
template <class L, int step>
AVOCADO_LANES void unpack_steps(const uint8_t* w, const Planes<L>& planes, Line table,
                                int8_t* values) {
  const Line first = unpack<L, 2 * step>(w, planes, table),
             second = unpack<L, 2 * step + 1>(w, planes, table);
  for (int i = 0; i < 4; ++i) {
    const int32x4_t a = vreinterpretq_s32_u8(first.v[i]), b = vreinterpretq_s32_u8(second.v[i]);
    int8_t* to = values + i / 2 * kHalfUnit + step * kStepBytes + i % 2 * 32;
    vst1q_s8(to, vreinterpretq_s8_s32(vzip1q_s32(a, b)));
    vst1q_s8(to + 16, vreinterpretq_s8_s32(vzip2q_s32(a, b)));
  }
  if constexpr (step + 1 < 4) unpack_steps<L, step + 1>(w, planes, table, values);
}

template <class L, int g>
AVOCADO_LANES void unpack_integer_scales(const uint8_t* w, I8mmPanel panel, int64_t unit) {
  const int64_t at = (unit * L::kGroups + g) * 2 * kGroupRows;
  spread(scale_codes<L, g>(w + L::kPlanes), panel.scales + at);
  if constexpr (L::kOffsets) spread(offset_codes<L, g>(w + L::kPlanes), panel.taken + at);
  if constexpr (g + 1 < L::kGroups) unpack_integer_scales<L, g + 1>(w, panel, unit);
}

template <class L>
void unpack_panel(const QuantizedTile& tile, I8mmPanel panel) {
  const uint8_t* w = tile.w;
  Line table{};
  if constexpr (L::kTable) table = load_table<L>(tile.table);
  for (int64_t u = 0; u < tile.units; ++u) {
    if constexpr (L::kInteger) {
      if (u % kSuperUnits == 0) {
        const int64_t at = u / kSuperUnits * 2 * kGroupRows;
        spread(super_scale<L>(w), panel.d + at);
        if constexpr (L::kOffsets) spread(super_offset<L>(w), panel.offsets + at);
        w += L::kFloatScales;
      }
      unpack_integer_scales<L, 0>(w, panel, u);
    } else {
      const int64_t at = u * 2 * kGroupRows;
      spread(load_16<L>(w + L::kPlanes), panel.d + at);
      if constexpr (L::kOffsets)
        spread(load_16<L>(w + L::kPlanes + 2 * kGroupRows), panel.offsets + at);
    }
    unpack_steps<L, 0>(w, Planes<L>::load(w), table, panel.values + u * kUnitValues);
    w += L::kUnitBytes;
  }
}

// Lanes of a block: pairs of rows of x, pairs of rows of the weight.
template <class Register>
struct Lanes {
  Register v[kBlockTokens / 2][kHalfPairs];
};

AVOCADO_LANES int32x4_t smmla(int32x4_t sum, int8x16_t w, int8x16_t x) {
  __asm__(".arch armv8.2-a+i8mm\n\tsmmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(x));
  return sum;
}

// {a0, a1, a0, a1} of rows t and t + 1 of x, `step` numbers apart.
AVOCADO_LANES float32x4_t both(const float* a, int64_t step) {
  const float32x2_t two = vset_lane_f32(a[step], vdup_n_f32(a[0]), 1);
  return vcombine_f32(two, two);
}

// Sums of `Steps` times eight columns; `a` is the first row of x.
template <int Steps>
AVOCADO_LANES Lanes<int32x4_t> sum_steps(const int8_t* values, const int8_t* a, int64_t step) {
  static_assert(Steps % 2 == 0);
  Lanes<int32x4_t> sum{};
#pragma GCC unroll 2
  for (int s = 0; s < Steps; s += 2) {
    int8x16_t x[kBlockTokens / 2][2];
#pragma GCC unroll 2
    for (int t = 0; t < kBlockTokens / 2; ++t) {
      const int64x2_t a0 = vreinterpretq_s64_s8(vld1q_s8(a + 2 * t * step + 8 * s)),
                      a1 = vreinterpretq_s64_s8(vld1q_s8(a + (2 * t + 1) * step + 8 * s));
      x[t][0] = vreinterpretq_s8_s64(vzip1q_s64(a0, a1));
      x[t][1] = vreinterpretq_s8_s64(vzip2q_s64(a0, a1));
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
#pragma GCC unroll 4
      for (int p = 0; p < kHalfPairs; ++p) {
        const int8x16_t w = vld1q_s8(values + (s + half) * kStepBytes + 16 * p);
#pragma GCC unroll 2
        for (int t = 0; t < kBlockTokens / 2; ++t) sum.v[t][p] = smmla(sum.v[t][p], w, x[t][half]);
      }
    }
  }
  return sum;
}

// acc = fma(float(sum), scale * d, acc), of the weight's scales of a stretch and those of x.
AVOCADO_LANES void add_scaled(const Lanes<int32x4_t>& sum, const float* scales, const float* d,
                              int64_t step, Lanes<float32x4_t>& acc) {
#pragma GCC unroll 2
  for (int t = 0; t < kBlockTokens / 2; ++t) {
    const float32x4_t dx = both(d + 2 * t * step, step);
#pragma GCC unroll 4
    for (int p = 0; p < kHalfPairs; ++p)
      acc.v[t][p] = vfmaq_f32(acc.v[t][p], vcvtq_f32_s32(sum.v[t][p]),
                              vmulq_f32(vld1q_f32(scales + 4 * p), dx));
  }
}

// All columns of a block with a float scale per unit.
template <class L>
AVOCADO_LANES Lanes<float32x4_t> multiply_units_i8mm(const QuantizedTile& tile, I8mmPanel panel,
                                                     int64_t first, int half) {
  const int64_t units = tile.units;
  const int8_t* a = tile.x.a + first * tile.x.step;
  const float *d = tile.x.d + first * units, *sums = tile.x.sums + first * units;
  Lanes<float32x4_t> acc{};
  for (int64_t u = 0; u < units; ++u) {
    const int64_t at = u * 2 * kGroupRows + half * kGroupRows;
    const Lanes<int32x4_t> sum =
        sum_steps<4>(panel.values + u * kUnitValues + half * kHalfUnit, a + u * kUnit, tile.x.step);
    add_scaled(sum, panel.d + at, d + u, units, acc);
    if constexpr (L::kOffsets) {
#pragma GCC unroll 2
      for (int t = 0; t < kBlockTokens / 2; ++t) {
        const float32x4_t x = both(sums + 2 * t * units + u, units);
#pragma GCC unroll 4
        for (int p = 0; p < kHalfPairs; ++p)
          acc.v[t][p] = vfmaq_f32(acc.v[t][p], vld1q_f32(panel.offsets + at + 4 * p), x);
      }
    }
  }
  return acc;
}

// Integer offsets of 256 columns times the sums of x in their groups; `step` from row to row.
template <int Groups>
AVOCADO_LANES Lanes<int32x4_t> sum_taken(const int16_t* taken, const int16_t* x, int64_t step) {
  Lanes<int32x4_t> sum{};
  for (int g = 0; g < Groups; ++g) {
#pragma GCC unroll 2
    for (int t = 0; t < kBlockTokens / 2; ++t) {
      const int16_t *x0 = x + 2 * t * step + g, *x1 = x0 + step;
      const int16x4_t two = vset_lane_s16(*x1, vset_lane_s16(*x1, vdup_n_s16(*x0), 1), 3);
#pragma GCC unroll 4
      for (int p = 0; p < kHalfPairs; ++p)
        sum.v[t][p] = vmlal_s16(sum.v[t][p], vld1_s16(taken + g * 2 * kGroupRows + 4 * p), two);
    }
  }
  return sum;
}

// The same with integer scales per group and float scales per 256 columns.
template <class L>
AVOCADO_LANES Lanes<float32x4_t> multiply_supers_i8mm(const QuantizedTile& tile, I8mmPanel panel,
                                                      int64_t first, int half) {
  constexpr int kSteps = 4 / L::kGroups, kGroups = kSuperUnits * L::kGroups;
  const int64_t supers = tile.units / kSuperUnits;
  const int8_t* a = tile.x.a + first * tile.x.step;
  const float* d = tile.x.d + first * supers;
  const int16_t* group_sums = tile.x.group_sums + first * supers * kGroups;
  Lanes<float32x4_t> acc{};
  for (int64_t s = 0; s < supers; ++s) {
    const int8_t* values = panel.values + s * kSuperUnits * kUnitValues + half * kHalfUnit;
    const int64_t of_groups = s * kGroups * 2 * kGroupRows + half * kGroupRows;
    Lanes<int32x4_t> total{};
    for (int g = 0; g < kGroups; ++g) {
      const int unit = g / L::kGroups, step = g % L::kGroups * kSteps;
      const Lanes<int32x4_t> sum =
          sum_steps<kSteps>(values + unit * kUnitValues + step * kStepBytes,
                            a + s * kSuper + unit * kUnit + 8 * step, tile.x.step);
      const int32_t* scales = panel.scales + of_groups + g * 2 * kGroupRows;
#pragma GCC unroll 2
      for (int t = 0; t < kBlockTokens / 2; ++t)
#pragma GCC unroll 4
        for (int p = 0; p < kHalfPairs; ++p)
          total.v[t][p] = vmlaq_s32(total.v[t][p], sum.v[t][p], vld1q_s32(scales + 4 * p));
    }
    const int64_t at = s * 2 * kGroupRows + half * kGroupRows;
    add_scaled(total, panel.d + at, d + s, supers, acc);
    if constexpr (L::kOffsets)
      add_scaled(
          sum_taken<kGroups>(panel.taken + of_groups, group_sums + s * kGroups, supers * kGroups),
          panel.offsets + at, d + s, supers, acc);
  }
  return acc;
}

template <class L>
void tile_i8mm(const QuantizedTile& tile) {
  const I8mmPanel panel(tile.scratch, tile.units, L::kInteger ? L::kGroups : 0,
                        tile.units * kUnit / L::kStretch);
  unpack_panel<L>(tile, panel);
  for (int64_t first = 0; first < tile.tokens; first += kBlockTokens) {
    float y[kBlockTokens][kGroupRows];
    for (int half = 0; half < 2; ++half) {
      const Lanes<float32x4_t> acc = L::kInteger ? multiply_supers_i8mm<L>(tile, panel, first, half)
                                                 : multiply_units_i8mm<L>(tile, panel, first, half);
      for (int t = 0; t < kBlockTokens / 2; ++t) {
        for (int p = 0; p < kHalfPairs; p += 2) {
          float* row = y[2 * t] + half * kHalfRows + 2 * p;
          vst1q_f32(row, vuzp1q_f32(acc.v[t][p], acc.v[t][p + 1]));
          vst1q_f32(row + kGroupRows, vuzp2q_f32(acc.v[t][p], acc.v[t][p + 1]));
        }
      }
    }
    for (int t = 0; t < kBlockTokens; ++t) store_row(tile, first + t, load(y[t]));
  }
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
