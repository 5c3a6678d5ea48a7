#pragma once
#include "tensor/blocks/block.h"

namespace avocado {

// Ternary weights: x[i] = d * (q[i] - 1), q in {0, 1, 2}; one d for 256 elements.

// TQ1_0: 54 bytes (1.6875 bits each). A byte holds five base-3 digits as a binary fraction: digit n
// is the whole part of 3 * frac(3^n * byte / 256). Bytes 0-31 hold elements 32 n + byte, bytes
// 32-47 elements 160 + 16 n + (byte - 32); the four bytes of `rest` hold four digits each, elements
// 240 + 4 n + byte.
struct BlockTQ1_0 {
  static constexpr int kCount = 256, kGroup = 32, kBits = 2, kBias = 1;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  uint8_t q[48];
  uint8_t rest[4];
  Half d;

  int scale_code(int) const { return 1; }
  void codes(uint8_t* c) const {
    digits(q, 32, 5, c);
    digits(q + 32, 16, 5, c + 160);
    digits(rest, 4, 4, c + 240);
  }

 private:
  static void digits(const uint8_t* bytes, int count, int n_digits, uint8_t* c) {
    for (int i = 0; i < count; ++i) {
      auto fraction = bytes[i];
      for (int n = 0; n < n_digits; ++n) {
        c[n * count + i] = static_cast<uint8_t>(fraction * 3 >> 8);
        fraction = static_cast<uint8_t>(fraction * 3);
      }
    }
  }
};
static_assert(sizeof(BlockTQ1_0) == 54);

// TQ2_0: 66 bytes (2.0625 bits each); bits as in Q2_K.
struct BlockTQ2_0 {
  static constexpr int kCount = 256, kGroup = 32, kBits = 2, kBias = 1;
  static constexpr ScaleKind kScales = ScaleKind::half_times;
  static constexpr bool kOffsets = false;
  uint8_t q[64];
  Half d;

  int scale_code(int) const { return 1; }
  void codes(uint8_t* c) const { two_bit_codes(q, c); }
};
static_assert(sizeof(BlockTQ2_0) == 66);

}  // namespace avocado
