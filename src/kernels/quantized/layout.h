#pragma once
// How a quantized weight lies in memory for the kernels: row groups of 16 rows, in which units of
// 32 columns follow each other. In a unit each 64-byte line holds 4 neighbouring columns of all 16
// rows, [row][column], so that a 32-bit lane is a row and one instruction multiplies four columns
// of it.
//
// A unit is its planes of bits, then its scales:
//   nibbles  256 bytes  line l: the lower four bits of line l, and in the high nibbles those of l +
//   4 pairs    128 bytes  bits 2 j, 2 j + 1 of line l: two bits of line 4 l + j singles   64 bytes
//   bit j: one bit of line j whole    512 bytes  eight bits of each line
// Codes of 3, 5 and 6 bits are pairs + singles, nibbles + singles and nibbles + pairs, the lower
// bits first. Scales are 16 rows of a 16-bit float per unit (formats with ScaleKind::half; as
// bfloat16 with ScaleKind::exponent, which has its range), then the same for offsets. With
// ScaleKind::half_times the float scales come once per 256 columns, before the first unit, and
// every unit ends with 16 bytes per group of integer scales, then of offsets.
// Codes of the IQ1, IQ2 and IQ3 types are what their codebooks unfold to, 3 or 4 bits with the sign
// in them: larger than in the file, and read without gathers.
//
// Only sizes and constants here: the file is shared with the objects of each instruction set.

#include <cstdint>

namespace avocado::kernels {

constexpr int kUnit = 32;       // columns
constexpr int kGroupRows = 16;  // rows of a row group
constexpr int kSuperUnits = 8;  // units that share a float scale with half_times
constexpr int kSuper = kUnit * kSuperUnits;
constexpr int kLine = 64;  // bytes
constexpr int kUnitLines = 8;

constexpr float kTiny = 0x1p-100f;  // a unit of x that stays below is zero

enum class PackedScales16 { half, bfloat, half_times };

template <int Bits, int Group, PackedScales16 Scales, bool Offsets, bool Table, int Bias,
          int Divisor>
struct Layout {
  static constexpr int kBits = Bits;
  static constexpr int kGroup = Group;
  static constexpr PackedScales16 kScales = Scales;
  static constexpr bool kOffsets = Offsets;
  static constexpr bool kTable = Table;     // codes are places in a table of 16 values
  static constexpr int kBias = Bias;        // value = code - kBias; 0 with a table
  static constexpr int kDivisor = Divisor;  // of the float scales, a power of two

  static constexpr bool kInteger = Scales == PackedScales16::half_times;
  static constexpr int kNibbles = Bits == 4 || Bits == 5 || Bits == 6 ? 4 * kLine : 0;
  static constexpr int kPairs = Bits == 2 || Bits == 3 || Bits == 6 ? 2 * kLine : 0;
  static constexpr int kSingles = Bits == 3 || Bits == 5 ? kLine : 0;
  static constexpr int kWhole = Bits == 8 ? 8 * kLine : 0;
  static constexpr int kPlanes = kNibbles + kPairs + kSingles + kWhole;
  static constexpr int kGroups = kUnit / Group;  // in a unit
  // Columns that share a scale of x: scales of groups are summed as integers within these.
  static constexpr int kStretch = kInteger ? kSuper : kUnit;
  static constexpr int kKinds = Offsets ? 2 : 1;
  static constexpr bool kShared = kInteger && Offsets && Bits == 2;  // scale and offset in a byte
  // Bytes of 16-bit scales, at the beginning of 256 columns or the end of a unit ...
  static constexpr int kFloatScales = 2 * kGroupRows * kKinds;
  // ... and of a unit and its scales.
  static constexpr int kUnitBytes =
      kPlanes + (kInteger ? kGroupRows * kGroups * (kShared ? 1 : kKinds) : kFloatScales);

  static constexpr int64_t row_group_bytes(int64_t units) {
    return units * kUnitBytes + (kInteger ? units / kSuperUnits * kFloatScales : 0);
  }
};

// Rows of x, quantized for a layout.
struct QuantizedRows {
  const int8_t* a = nullptr;       // [n, step], of which in count
  int64_t step = 0;                // a multiple of 64
  const float* d = nullptr;        // [n, in / stretch]
  const int32_t* start = nullptr;  // [n, in / group]: -taken_off * sum of the group
  const float* sums = nullptr;     // [n, in / group], stretches of 32: float(sum of the group) * d
  const int16_t* group_sums = nullptr;  // [n, in / group], stretches of 256: sum of the group
};

// One row of x to quantize: where from, where to.
struct QuantizedRow {
  const float* x;
  int64_t in;
  int stretch, group, taken_off;
  int8_t* a;
  float* d;
  int32_t* start;
  float* sums;
  int16_t* group_sums;
};

// Rows of x that AMX takes at once; its buffers have whole multiples of them.
constexpr int kMatrixRows = 16;

// All of x times the rows of one row group.
struct QuantizedTile {
  const uint8_t* w = nullptr;  // the row group
  int64_t units = 0;
  const int8_t* table = nullptr;
  QuantizedRows x;
  int64_t tokens = 0;
  float* y = nullptr;  // [tokens, ldy], at the first row of the group
  int64_t ldy = 0;
  const float* bias = nullptr;  // of the group's rows; may be null
  int64_t rows = 0;             // of the group that exist
  uint8_t* scratch = nullptr;   // tile_many: scratch_bytes(units), aligned to 64
};

// A row group with a byte per value and a float for scales and offsets of up to two groups per
// unit; or with two bytes per value times scale, two floats per 256 columns and 16 bits per offset.
constexpr int64_t scratch_bytes(int64_t units) {
  return units * (2 * kUnitLines * kLine + 2 * 2 * kGroupRows * 4);
}

}  // namespace avocado::kernels
