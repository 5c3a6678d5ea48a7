#pragma once
#include "tensor/blocks/iq.h"

namespace avocado {

// The values of IQ2_XXS, IQ2_XS and IQ2_S: three sizes, and (codes 4 to 6) the same with a minus.
inline constexpr int8_t kIq2Table[16] = {8, 25, 43, 0, -8, -25, -43};

// In all three x = d * (2 * scale + 1) / 8 * (+- grid), with 4-bit scales and 8 elements per entry.

// IQ2_XXS: 256 elements in 66 bytes (2.0625 bits each), in eight groups of 32. A group is four
// bytes that choose entries, then a 32-bit word: seven signs for each entry, and the scale on top.
struct BlockIQ2_XXS {
  static constexpr int kCount = 256, kGroup = 32, kBits = 3, kDivisor = 8;
  static constexpr const int8_t* kTable = kIq2Table;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[64];

  uint32_t word(int group) const { return little32(q + 8 * group + 4); }
  int scale_code(int group) const { return static_cast<int>(word(group) >> 28) * 2 + 1; }
  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) {
      const uint32_t signs = word(i / 4) >> (i % 4 * 7) & 127;
      grid_codes_2(kIq2XxsGrid[q[i / 4 * 8 + i % 4]], even_signs(signs), c + 8 * i);
    }
  }
};
static_assert(sizeof(BlockIQ2_XXS) == 66);

// IQ2_XS: 256 elements in 74 bytes (2.3125 bits each), in sixteen groups of 16. A 16-bit word for
// each eight elements: the entry in nine bits, then seven signs. Scale g is nibble g.
struct BlockIQ2_XS {
  static constexpr int kCount = 256, kGroup = 16, kBits = 3, kDivisor = 8;
  static constexpr const int8_t* kTable = kIq2Table;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[64];
  uint8_t scales[8];

  int scale_code(int group) const { return (scales[group / 2] >> (group % 2 * 4) & 15) * 2 + 1; }
  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) {
      const uint32_t word = little16(q + 2 * i);
      grid_codes_2(kIq2XsGrid[word & 511], even_signs(word >> 9), c + 8 * i);
    }
  }
};
static_assert(sizeof(BlockIQ2_XS) == 74);

// IQ2_S: 256 elements in 82 bytes (2.5625 bits each), in sixteen groups of 16. Entry i is q[i] with
// bits 2 * (i % 4) and the next of high[i / 4] on top; all eight signs of it are in signs[i].
struct BlockIQ2_S {
  static constexpr int kCount = 256, kGroup = 16, kBits = 3, kDivisor = 8;
  static constexpr const int8_t* kTable = kIq2Table;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[32];
  uint8_t signs[32];
  uint8_t high[8];
  uint8_t scales[8];

  int scale_code(int group) const { return (scales[group / 2] >> (group % 2 * 4) & 15) * 2 + 1; }
  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) {
      const uint32_t upper = high[i / 4] >> (i % 4 * 2) & 3;
      grid_codes_2(kIq2SGrid[q[i] | upper << 8], signs[i], c + 8 * i);
    }
  }
};
static_assert(sizeof(BlockIQ2_S) == 82);

}  // namespace avocado
