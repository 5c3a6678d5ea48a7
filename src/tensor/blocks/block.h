#pragma once
// Building bricks of stored blocks. Blocks are made of bytes only, so they have no padding and no
// alignment, and may be read at any address of a file.
//
// Every quantized type is integers with scales: element i of a block is
//   x[i] = scale(g) * value(code(i)) + offset(g),   g = i / kGroup
// where scale(g) and offset(g) are exact in float, and value(c) is an int8: c - kBias, or
// kTable[c]. A block says
//   kCount    elements                 kGroup    elements that share a scale: 16 or 32
//   kBits     bits of a code           kBias or kTable
//   codes(c)  writes the kCount codes  kScales, kOffsets, kDivisor: see ScaleKind
// From this come the decoder (decode_block), the packed layout and the kernels (kernels/quantized).

#include <bit>
#include <cstdint>

#include "tensor/dtype.h"

namespace avocado {

// An IEEE binary16 number, little-endian.
struct Half {
  uint8_t low, high;
  uint16_t bits() const { return static_cast<uint16_t>(low | high << 8); }
  float value() const { return f16_to_f32(bits()); }
};

// How a block states its scales and offsets.
enum class ScaleKind {
  half,        // one group: scale() = d; with kOffsets, offset() = m
  half_times,  // scale(g) = d / kDivisor * scale_code(g), an int8, where kDivisor is a power of
               // two, 1 if not given; with kOffsets, offset(g) = -(dmin * offset_code(g)), a uint8
  exponent,    // one group: scale() = 2^(e - 128)
};

// 2^(e - 128); the two smallest are subnormal.
inline float exponent_scale(uint8_t e) {
  return std::bit_cast<float>(e < 2 ? uint32_t{0x200000} << e : static_cast<uint32_t>(e - 1) << 23);
}

template <class Block>
constexpr int block_divisor() {
  if constexpr (requires { Block::kDivisor; }) {
    return Block::kDivisor;
  } else {
    return 1;
  }
}

template <class Block>
Half block_d(const Block& b) {
  if constexpr (requires { b.scattered_d(); }) {
    return b.scattered_d();
  } else {
    return b.d;
  }
}

template <class Block>
float block_scale(const Block& b, int group) {
  if constexpr (Block::kScales == ScaleKind::half) {
    return b.d.value();
  } else if constexpr (Block::kScales == ScaleKind::exponent) {
    return exponent_scale(b.e);
  } else {
    return block_d(b).value() / block_divisor<Block>() * static_cast<float>(b.scale_code(group));
  }
}

template <class Block>
float block_offset(const Block& b, int group) {
  if constexpr (!Block::kOffsets) {
    return 0;
  } else if constexpr (Block::kScales == ScaleKind::half) {
    return b.m.value();
  } else {
    return -(b.dmin.value() * static_cast<float>(b.offset_code(group)));
  }
}

template <class Block>
int block_value(uint8_t code) {
  if constexpr (requires { Block::kTable; }) {
    return Block::kTable[code];
  } else {
    return code - Block::kBias;
  }
}

// The products are exact in float, so an element is rounded at most once, by the sum.
template <class Block>
void decode_block(const Block& b, float* x) {
  uint8_t codes[Block::kCount];
  b.codes(codes);
  for (int i = 0; i < Block::kCount; ++i) {
    const float scaled =
        block_scale(b, i / Block::kGroup) * static_cast<float>(block_value<Block>(codes[i]));
    x[i] = Block::kOffsets ? scaled + block_offset(b, i / Block::kGroup) : scaled;
  }
}

// The two-bit codes of Q2_K, Q3_K and TQ2_0: each 32 bytes hold 128 elements, element i in bits
// 2 * (i / 32) and the next of byte i % 32.
inline void two_bit_codes(const uint8_t* q, uint8_t* codes) {
  for (int run = 0; run < 8; ++run)
    for (int i = 0; i < 32; ++i) codes[run * 32 + i] = q[run / 4 * 32 + i] >> (run % 4 * 2) & 3;
}

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
