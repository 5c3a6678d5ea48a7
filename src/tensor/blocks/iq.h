#pragma once
// What the IQ1, IQ2 and IQ3 types share: places in a codebook (iq_grids.h), and signs beside them.

#include "tensor/blocks/block.h"
#include "tensor/blocks/iq_grids.h"

namespace avocado {

// A little-endian number at p.
inline uint32_t little16(const uint8_t* p) { return p[0] | uint32_t{p[1]} << 8; }
inline uint32_t little32(const uint8_t* p) { return little16(p) | little16(p + 2) << 16; }

// Seven stored signs, a bit each; the eighth makes the number of negative values even.
inline uint32_t even_signs(uint32_t seven) {
  return seven | static_cast<uint32_t>(std::popcount(seven) & 1) << 7;
}

// The codes of an entry: `count` numbers of `bits` bits, with bit i of `signs` on top of the i-th.
inline void grid_codes(uint32_t entry, int count, int bits, uint32_t signs, uint8_t* codes) {
  for (int i = 0; i < count; ++i) {
    const uint32_t size = entry >> (i * bits) & ((1u << bits) - 1);
    codes[i] = static_cast<uint8_t>(size | (signs >> i & 1) << bits);
  }
}

// Eight codes of IQ1 and IQ2 ...
inline void grid_codes_2(uint32_t entry, uint32_t signs, uint8_t* codes) {
  grid_codes(entry, 8, 2, signs, codes);
}
// ... and of IQ3, where they take two entries.
inline void grid_codes_3(uint32_t first, uint32_t second, uint32_t signs, uint8_t* codes) {
  grid_codes(first, 4, 3, signs, codes);
  grid_codes(second, 4, 3, signs >> 4, codes + 4);
}

}  // namespace avocado
