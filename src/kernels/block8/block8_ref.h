#pragma once
// The definition of block8 in plain scalar code.

#include <algorithm>

#include "kernels/block8/block8.h"
#include "kernels/reference.h"

namespace avocado::kernels::reference {

inline uint8_t encode8_signed_square(float x, float divisor) {
  float r = std::sqrt(std::fabs(x) / divisor) * 127.0f;
  r = r < 127.0f ? r : 127.0f;
  return static_cast<uint8_t>(static_cast<int>(std::nearbyint(x < 0 ? -r : r)));
}

inline uint8_t encode8_fourth_power(float x, float divisor) {
  float r = std::sqrt(std::sqrt(x / divisor)) * 255.0f;
  r = r < 255.0f ? r : 255.0f;
  const float least = x > 0 ? 1.0f : 0.0f;
  return static_cast<uint8_t>(std::nearbyint(r > least ? r : least));
}

inline void encode8(Code8 code, const float* x, uint8_t* codes, float* scales, int64_t count) {
  for (int64_t begin = 0; begin < count; begin += kBlock8) {
    const int64_t end = std::min<int64_t>(count, begin + kBlock8);
    float scale = 0;
    for (int64_t i = begin; i < end; ++i) scale = std::fabs(x[i]) > scale ? std::fabs(x[i]) : scale;
    scales[begin / kBlock8] = scale;
    const float divisor = scale > 0 ? scale : 1.0f;
    for (int64_t i = begin; i < end; ++i)
      codes[i] = code == Code8::signed_square ? encode8_signed_square(x[i], divisor)
                                              : encode8_fourth_power(x[i], divisor);
  }
}

inline void decode8(Code8 code, const uint8_t* codes, const float* scales, float* x,
                    int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float scale = scales[i / kBlock8];
    if (code == Code8::signed_square) {
      const auto c = static_cast<float>(static_cast<int8_t>(codes[i]));
      x[i] = (c * std::fabs(c)) * (scale * (1.0f / 16129.0f));
    } else {
      const auto c = static_cast<float>(codes[i]);
      x[i] = ((c * c) * (c * c)) * (scale * (1.0f / 4228250625.0f));
    }
  }
}

}  // namespace avocado::kernels::reference
