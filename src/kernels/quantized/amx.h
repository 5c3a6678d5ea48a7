#pragma once
// Products of many rows of x on the matrix unit of Intel CPUs (AMX): a tile multiplication gives
// the integer sums of 16 rows of x by 16 rows of the weight, and the vector unit does the rest, in
// the same order as everywhere. A row group is unpacked once to a panel for that.
//
// Written in assembly because the intrinsics ask that whole functions be compiled for AMX. Only
// called when has_amx_int8(). Included by quantized.simd.cc only.

#include "kernels/quantized/lines.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

constexpr int kTileRows = 16;

struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void set(int tile, int tile_rows, int bytes) {
    rows[tile] = static_cast<uint8_t>(tile_rows);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};

AVOCADO_LANES void begin_tiles(const TileConfig& config) {
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
}
AVOCADO_LANES void end_tiles() { __asm__ volatile("tilerelease"); }

// Values of line `line` of a unit: int8, signed.
template <class L, int line>
AVOCADO_LANES __m512i values_of(const uint8_t* w, Line table) {
  const __m512i off = _mm512_set1_epi8(static_cast<char>(kTakenOff<L>));
  return _mm512_sub_epi8(unpack<L, line>(w, table).v, off);
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS

#include "kernels/quantized/amx_super.h"
#include "kernels/quantized/amx_units.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

template <class L>
void tile_amx(const QuantizedTile& tile) {
  if constexpr (L::kInteger)
    multiply_supers_amx<L>(tile);
  else
    multiply_units_amx<L>(tile);
}

}  // namespace
}  // namespace avocado::kernels::AVOCADO_ISA_NS
