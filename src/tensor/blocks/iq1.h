#pragma once
#include "tensor/blocks/iq.h"

namespace avocado {

// Eight times the values of IQ1_S and IQ1_M: -1, 0 and 1 plus one eighth, or (codes 4 to 6) minus.
inline constexpr int8_t kIq1Table[16] = {-7, 1, 9, 0, -9, -1, 7};

// IQ1_S: 256 elements in 50 bytes (1.5625 bits each), in eight groups of 32:
//   x = d * (2 * scale + 1) * (grid +- 1/8).
// Each group has 4 bytes of q and one 16-bit word of `high`. Entry l (eight elements) is q[l] with
// bits 3 l to 3 l + 2 of the word on top; bits 12 to 14 are the scale, bit 15 the minus.
struct BlockIQ1_S {
  static constexpr int kCount = 256, kGroup = 32, kBits = 3, kDivisor = 8;
  static constexpr const int8_t* kTable = kIq1Table;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  Half d;
  uint8_t q[32];
  uint8_t high[16];

  uint32_t word(int group) const { return little16(high + 2 * group); }
  int scale_code(int group) const { return static_cast<int>(word(group) >> 12 & 7) * 2 + 1; }
  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) {
      const uint32_t upper = word(i / 4) >> (i % 4 * 3) & 7;
      grid_codes_2(kIq1Grid[q[i] | upper << 8], word(i / 4) >> 15 ? 0xff : 0, c + 8 * i);
    }
  }
};
static_assert(sizeof(BlockIQ1_S) == 50);

// IQ1_M: 256 elements in 56 bytes (1.75 bits each), in sixteen groups of 16, as IQ1_S, with the
// minus for each eight elements: entry i is q[i] with the lower three bits of nibble i of `high` on
// top; the nibble's upper bit is the minus. The four 16-bit words of `scales` hold four 3-bit
// scales each, and in their upper four bits d, the lowest first.
struct BlockIQ1_M {
  static constexpr int kCount = 256, kGroup = 16, kBits = 3, kDivisor = 8;
  static constexpr const int8_t* kTable = kIq1Table;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  uint8_t q[32];
  uint8_t high[16];
  uint8_t scales[8];

  Half scattered_d() const {
    return {static_cast<uint8_t>(scales[1] >> 4 | (scales[3] & 0xf0)),
            static_cast<uint8_t>(scales[5] >> 4 | (scales[7] & 0xf0))};
  }
  int scale_code(int group) const {
    return static_cast<int>(little16(scales + group / 4 * 2) >> (group % 4 * 3) & 7) * 2 + 1;
  }
  void codes(uint8_t* c) const {
    for (int i = 0; i < 32; ++i) {
      const uint32_t nibble = high[i / 2] >> (i % 2 * 4) & 15;
      grid_codes_2(kIq1Grid[q[i] | (nibble & 7) << 8], nibble >> 3 ? 0xff : 0, c + 8 * i);
    }
  }
};
static_assert(sizeof(BlockIQ1_M) == 56);

}  // namespace avocado
