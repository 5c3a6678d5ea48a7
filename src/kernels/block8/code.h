#pragma once
// Apart from block8.h because the SIMD body needs it and may not see the standard library.

namespace avocado::kernels {

inline constexpr int kBlock8 = 64;  // elements that share a scale

enum class Code8 {
  signed_square,  // of either sign: x = scale * c * |c| / 127^2, c from -127 to 127 (int8)
  fourth_power,   // not negative:   x = scale * (c / 255)^4, c from 0 to 255 (uint8)
};

}  // namespace avocado::kernels
