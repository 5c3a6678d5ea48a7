#pragma once
// Data types of stored tensors. Numbers are those of the GGUF format (ggml_type).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace avocado {

enum class DType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q8_1 = 9,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  q8_k = 15,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  // Types that exist in safetensors only; numbers outside GGUF's range.
  boolean = 1000,
  u8 = 1001,
  u16 = 1002,
  u32 = 1003,
  u64 = 1004,
  f8_e4m3 = 1005,
  f8_e5m2 = 1006,
};

struct DTypeTraits {
  DType type;
  std::string_view name;  // as GGUF tools print it: "F32", "Q4_K"
  int64_t block;          // elements per block (1 for plain types)
  int64_t block_bytes;    // bytes per block
  // Decodes `count` elements (a multiple of `block`) to float, exactly as the format defines;
  // null when this build cannot.
  void (*to_f32)(const std::byte* src, float* dst, int64_t count);
};

// Null for a number that is no known type.
const DTypeTraits* dtype_traits(DType type);
const DTypeTraits* dtype_by_name(std::string_view name);

// Bytes of `count` elements, or nothing when count is negative, not a whole number of blocks, or
// too large.
std::optional<uint64_t> dtype_bytes(DType type, int64_t count);

float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);  // nearest even
float bf16_to_f32(uint16_t h);
uint16_t f32_to_bf16(float f);  // nearest even; NaN stays NaN

}  // namespace avocado
