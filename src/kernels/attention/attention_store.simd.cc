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

// The element of largest magnitude, the negative one of two; a NaN or an infinity if there is one.
// Magnitudes compare like their bits, those of NaN above all others.
float largest(const float* x, int64_t count) {
  uint32_t most = 0;  // the sign, turned around to the lowest place, decides last
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = bits_of(x[i]), turned = bits << 1 | bits >> 31;
    most = turned > most ? turned : most;
  }
  most = most >> 1 | most << 31;
  float m;
  __builtin_memcpy(&m, &most, sizeof m);
  return m;
}

// Stores the scale d, and returns 1 / d; 0 for a group that is all zero or NaN.
float inverse_scale(float d, uint16_t* scale) {
  uint16_t halves[kLanes];
  store_f16(halves, splat(d));
  float rounded[kLanes];
  store(rounded, load_f16(halves));
  const bool finite = __builtin_fabsf(rounded[0]) < __builtin_inff();  // not when it is NaN
  const bool some = finite && rounded[0] != 0;
  *scale = some ? halves[0] : finite ? uint16_t{0} : uint16_t{0x7e00};
  return some ? 1.0f / rounded[0] : 0.0f;
}

// x * inverse to the nearest integer, ties to even, kept in [least, most]; zero when inverse is.
int32_t round_to(float x, float inverse, float least, float most) {
  float y = inverse != 0 ? x * inverse : 0.0f;
  y = y > most ? most : y;
  y = y < least ? least : y;
  return static_cast<int32_t>(bits_of(y + 0x1.8p23f)) - 0x4b400000;  // it stands in the low bits
}

void encode_q8(const float* x, int64_t count, int8_t* q, uint16_t* scale) {
  const float inverse = inverse_scale(__builtin_fabsf(largest(x, count)) / 127.0f, scale);
  for (int64_t i = 0; i < count; ++i)
    q[i] = static_cast<int8_t>(round_to(x[i], inverse, -127.0f, 127.0f));
}

void encode_q4(const float* x, int64_t count, uint8_t* bytes, uint16_t* scale) {
  const float inverse = inverse_scale(largest(x, count) / -8.0f, scale);
  int32_t codes[kScaleGroup];
  for (int64_t i = 0; i < count; ++i) codes[i] = round_to(x[i], inverse, -8.0f, 7.0f) + 8;
  for (int64_t i = count; i < kScaleGroup; ++i) codes[i] = 8;
  for (int64_t i = 0; i < kGroupBytes; ++i)
    bytes[i] = static_cast<uint8_t>(codes[i] | codes[i + kGroupBytes] << 4);
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
    case CacheType::q4_0:
      break;
  }
  auto* bytes = static_cast<uint8_t*>(codes);
  for (int64_t i = 0; i < dim; i += kScaleGroup) {
    const int64_t count = dim - i < kScaleGroup ? dim - i : kScaleGroup;
    if (type == CacheType::q8_0) {
      encode_q8(x + i, count, static_cast<int8_t*>(codes) + i, scales++);
    } else {
      encode_q4(x + i, count, bytes, scales++);
      bytes += kGroupBytes;
    }
  }
}

}  // namespace avocado::kernels::AVOCADO_ISA_NS
