#pragma once
// Building bricks of stored blocks. Blocks are made of bytes only, so they have no padding and no
// alignment, and may be read at any address of a file.

#include <cstdint>

#include "tensor/dtype.h"

namespace avocado {

// An IEEE binary16 number, little-endian.
struct Half {
  uint8_t low, high;
  float value() const { return f16_to_f32(static_cast<uint16_t>(low | high << 8)); }
};

// The 6-bit scales and minima of the eight 32-element groups of a Q4_K or Q5_K block, packed in 12
// bytes: bytes 0-3 hold scales 0-3 in their low 6 bits, bytes 4-7 minima 0-3; groups 4-7 have their
// low 4 bits in bytes 8-11 (scale in the low nibble, minimum in the high one) and their upper 2
// bits on top of bytes 0-3 and 4-7.
struct PackedScales {
  uint8_t bytes[12];

  int scale(int group) const {
    return group < 4 ? bytes[group] & 63 : (bytes[group + 4] & 15) | (bytes[group - 4] >> 6) << 4;
  }
  int minimum(int group) const {
    return group < 4 ? bytes[group + 4] & 63 : bytes[group + 4] >> 4 | (bytes[group] >> 6) << 4;
  }
};

}  // namespace avocado
