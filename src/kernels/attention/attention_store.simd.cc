#include <cstddef>

#include "kernels/attention/page.h"
#include "kernels/simd/simd.h"

namespace avocado::kernels::AVOCADO_ISA_NS {
namespace {

uint32_t bits_of(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

void encode_f16(const float* x, int64_t dim, uint16_t* codes) {
  int64_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) store_f16(codes + i, load(x + i));
  if (i == dim) return;
  uint16_t tail[kLanes];
  store_f16(tail, load_n(x + i, static_cast<int>(dim - i)));
  for (int64_t j = 0; i < dim; ++i, ++j) codes[i] = tail[j];
}

void encode_bf16(const float* x, int64_t dim, uint16_t* codes) {
  for (int64_t i = 0; i < dim; ++i) {
    const uint32_t bits = bits_of(x[i]), nan = bits >> 16 | 0x40;
    const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    codes[i] = static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
  }
}

// One group. Magnitudes compare like their bits, those of NaN above all others.
void encode_group(const float* x, int64_t count, int8_t* q, uint16_t* scale) {
  uint32_t largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t magnitude = bits_of(x[i]) & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  float max;
  __builtin_memcpy(&max, &largest, sizeof max);
  uint16_t halves[kLanes];
  store_f16(halves, splat(max / 127.0f));
  float d[kLanes];
  store(d, load_f16(halves));
  const bool finite = d[0] < __builtin_inff();  // not when it is NaN
  *scale = finite ? halves[0] : uint16_t{0x7e00};
  const float inverse = finite && d[0] > 0 ? 1.0f / d[0] : 0.0f;
  if (inverse == 0) {
    for (int64_t i = 0; i < count; ++i) q[i] = 0;
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    float y = x[i] * inverse;
    y = y > 127.0f ? 127.0f : y;
    y = y < -127.0f ? -127.0f : y;
    q[i] = static_cast<int8_t>(bits_of(y + 0x1.8p23f));  // nearest even, in the low bits
  }
}

}  // namespace

void encode_row(CacheType type, const float* x, int64_t dim, void* codes, uint16_t* scales) {
  switch (type) {
    case CacheType::f32:
      __builtin_memcpy(codes, x, static_cast<size_t>(dim) * sizeof(float));
      return;
    case CacheType::f16:
      return encode_f16(x, dim, static_cast<uint16_t*>(codes));
    case CacheType::bf16:
      return encode_bf16(x, dim, static_cast<uint16_t*>(codes));
    case CacheType::q8_0:
      break;
  }
  for (int64_t i = 0; i < dim; i += kScaleGroup)
    encode_group(x + i, dim - i < kScaleGroup ? dim - i : kScaleGroup,
                 static_cast<int8_t*>(codes) + i, scales++);
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
