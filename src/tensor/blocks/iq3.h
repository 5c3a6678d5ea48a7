#pragma once
#include "tensor/blocks/iq.h"

namespace avocado {

// The values of each type: eight sizes, and (codes 8 to 15) the same with a minus.
inline constexpr int8_t kIq3XxsTable[16] = {4,  12,  20,  28,  36,  44,  52,  62,
                                            -4, -12, -20, -28, -36, -44, -52, -62};
inline constexpr int8_t kIq3STable[16] = {1,  3,  5,  7,  9,  11,  13,  15,
                                          -1, -3, -5, -7, -9, -11, -13, -15};

// IQ3_XXS: 256 elements in 98 bytes (3.0625 bits each), in eight groups of 32:
//   x = d * (2 * scale + 1) / 4 * (+- grid).
// A byte of q chooses an entry (four elements). Each group has a 32-bit word: seven signs for each
// eight elements, and the 4-bit scale on top.
struct BlockIQ3_XXS {
  static constexpr int kCount = 256, kGroup = 32, kBits = 4, kDivisor = 4;
  static constexpr const int8_t* kTable = kIq3XxsTable;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[64];
  uint8_t words[32];

  uint32_t word(int group) const { return little32(words + 4 * group); }
  int scale_code(int group) const { return static_cast<int>(word(group) >> 28) * 2 + 1; }
  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) {
      const uint32_t signs = word(i / 4) >> (i % 4 * 7) & 127;
      grid_codes_3(kIq3XxsGrid[q[2 * i]], kIq3XxsGrid[q[2 * i + 1]], even_signs(signs), c + 8 * i);
    }
  }
};
static_assert(sizeof(BlockIQ3_XXS) == 98);

// IQ3_S: 256 elements in 110 bytes (3.4375 bits each), in eight groups of 32:
//   x = d * (2 * scale + 1) * (+- grid).
// Entry i (four elements) is q[i] with bit i of `high` on top; bit i of `signs` is the sign of
// element i, nibble g of `scales` the scale of group g.
struct BlockIQ3_S {
  static constexpr int kCount = 256, kGroup = 32, kBits = 4;
  static constexpr const int8_t* kTable = kIq3STable;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[64];
  uint8_t high[8];
  uint8_t signs[32];
  uint8_t scales[4];

  int scale_code(int group) const { return (scales[group / 2] >> (group % 2 * 4) & 15) * 2 + 1; }
  uint32_t entry(int i) const {
    return kIq3SGrid[q[i] | static_cast<uint32_t>(high[i / 8] >> (i % 8) & 1) << 8];
  }
  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) grid_codes_3(entry(2 * i), entry(2 * i + 1), signs[i], c + 8 * i);
  }
};
static_assert(sizeof(BlockIQ3_S) == 110);

}  // namespace avocado
