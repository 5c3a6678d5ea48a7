#pragma once
// The formats that have kernels, and the layout of each, taken from the description of its block.
// To add one: write its block (tensor/blocks), and add a line here and in the table of
// tensor/dtype.cc.

#include "kernels/quantized/layout.h"
#include "tensor/blocks/iq1.h"
#include "tensor/blocks/iq2.h"
#include "tensor/blocks/iq3.h"
#include "tensor/blocks/iq4.h"
#include "tensor/blocks/mxfp4.h"
#include "tensor/blocks/q2_k.h"
#include "tensor/blocks/q3_k.h"
#include "tensor/blocks/q4.h"
#include "tensor/blocks/q4_k.h"
#include "tensor/blocks/q5.h"
#include "tensor/blocks/q5_k.h"
#include "tensor/blocks/q6_k.h"
#include "tensor/blocks/q8_0.h"
#include "tensor/blocks/tq.h"

#define AVOCADO_QUANTIZED_FORMATS(F) \
  F(q4_0, BlockQ4_0)                 \
  F(q4_1, BlockQ4_1)                 \
  F(q5_0, BlockQ5_0)                 \
  F(q5_1, BlockQ5_1)                 \
  F(q8_0, BlockQ8_0)                 \
  F(q2_k, BlockQ2_K)                 \
  F(q3_k, BlockQ3_K)                 \
  F(q4_k, BlockQ4_K)                 \
  F(q5_k, BlockQ5_K)                 \
  F(q6_k, BlockQ6_K)                 \
  F(iq4_nl, BlockIQ4_NL)             \
  F(iq4_xs, BlockIQ4_XS)             \
  F(mxfp4, BlockMXFP4)               \
  F(tq1_0, BlockTQ1_0)               \
  F(tq2_0, BlockTQ2_0)               \
  F(iq1_s, BlockIQ1_S)               \
  F(iq1_m, BlockIQ1_M)               \
  F(iq2_xxs, BlockIQ2_XXS)           \
  F(iq2_xs, BlockIQ2_XS)             \
  F(iq2_s, BlockIQ2_S)               \
  F(iq3_xxs, BlockIQ3_XXS)           \
  F(iq3_s, BlockIQ3_S)

namespace avocado::kernels {

#define AVOCADO_NUMBER(type, Block) k_##type,
enum QuantizedFormat : int { AVOCADO_QUANTIZED_FORMATS(AVOCADO_NUMBER) kQuantizedFormats };
#undef AVOCADO_NUMBER

template <class Block>
constexpr bool kHasTable = requires {
  Block::kTable;
};

template <class Block>
constexpr int block_bias() {
  if constexpr (kHasTable<Block>) {
    return 0;
  } else {
    return Block::kBias;
  }
}

template <class Block>
constexpr PackedScales16 packed_scales() {
  return Block::kScales == ScaleKind::half       ? PackedScales16::half
         : Block::kScales == ScaleKind::exponent ? PackedScales16::bfloat
                                                 : PackedScales16::half_times;
}

template <class Block>
using LayoutOf = Layout<Block::kBits, Block::kGroup, packed_scales<Block>(), Block::kOffsets,
                        kHasTable<Block>, block_bias<Block>(), block_divisor<Block>()>;

// What one instruction set offers.
struct QuantizedKernels {
  void (*tile[kQuantizedFormats])(const QuantizedTile&);
  // The same for many rows of x, when use_int8_matrix(); null where unknown.
  void (*tile_many[kQuantizedFormats])(const QuantizedTile&);
  // code - taken_off = value for the codes that `tile` multiplies.
  int taken_off[kQuantizedFormats];
  // One row of x; the order of rounding is in quantized.h.
  void (*quantize)(const QuantizedRow&);
};

// Those of the active instruction set; null for the scalar reference.
const QuantizedKernels* quantized_kernels();

}  // namespace avocado::kernels
