#include "tensor/dtype.h"

#include <cstring>
#include <limits>

#include "tensor/blocks/iq1.h"
#include "tensor/blocks/iq2.h"
#include "tensor/blocks/iq3.h"
#include "tensor/blocks/iq4.h"
#include "tensor/blocks/mxfp4.h"
#include "tensor/blocks/q2_k.h"
#include "tensor/blocks/q3_k.h"
#include "tensor/blocks/q4.h"
#include "tensor/blocks/q4_k.h"
#include "tensor/blocks/q5.h"
#include "tensor/blocks/q5_k.h"
#include "tensor/blocks/q6_k.h"
#include "tensor/blocks/q8_0.h"
#include "tensor/blocks/tq.h"

namespace avocado {
namespace {

// Stored numbers are little-endian, as is every machine this project runs on.
template <class T>
T load(const std::byte* src) {
  T value;
  std::memcpy(&value, src, sizeof value);
  return value;
}

template <class Block>
void decode_blocks(const std::byte* src, float* dst, int64_t count) {
  for (int64_t i = 0; i < count; i += Block::kCount, src += sizeof(Block)) {
    decode_block(load<Block>(src), dst + i);
  }
}

// Integers beyond 2^24 and doubles are rounded to the nearest float.
template <class T>
void decode_plain(const std::byte* src, float* dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i) dst[i] = static_cast<float>(load<T>(src + i * sizeof(T)));
}

template <float (*kConvert)(uint16_t)>
void decode_16(const std::byte* src, float* dst, int64_t count) {
  for (int64_t i = 0; i < count; ++i) dst[i] = kConvert(load<uint16_t>(src + 2 * i));
}

template <class T>
constexpr DTypeTraits plain(DType type, std::string_view name) {
  return {type, name, 1, sizeof(T), decode_plain<T>};
}

template <class Block>
constexpr DTypeTraits blocks(DType type, std::string_view name) {
  return {type, name, Block::kCount, sizeof(Block), decode_blocks<Block>};
}

constexpr DTypeTraits undecoded(DType type, std::string_view name, int64_t block, int64_t bytes) {
  return {type, name, block, bytes, nullptr};
}

constexpr DTypeTraits kTypes[] = {
    plain<float>(DType::f32, "F32"),
    {DType::f16, "F16", 1, 2, decode_16<f16_to_f32>},
    {DType::bf16, "BF16", 1, 2, decode_16<bf16_to_f32>},
    plain<double>(DType::f64, "F64"),
    blocks<BlockQ8_0>(DType::q8_0, "Q8_0"),
    blocks<BlockQ4_0>(DType::q4_0, "Q4_0"),
    blocks<BlockQ4_1>(DType::q4_1, "Q4_1"),
    blocks<BlockQ5_0>(DType::q5_0, "Q5_0"),
    blocks<BlockQ5_1>(DType::q5_1, "Q5_1"),
    blocks<BlockQ4_K>(DType::q4_k, "Q4_K"),
    blocks<BlockQ5_K>(DType::q5_k, "Q5_K"),
    blocks<BlockQ6_K>(DType::q6_k, "Q6_K"),
    plain<int8_t>(DType::i8, "I8"),
    plain<int16_t>(DType::i16, "I16"),
    plain<int32_t>(DType::i32, "I32"),
    plain<int64_t>(DType::i64, "I64"),
    undecoded(DType::q8_1, "Q8_1", 32, 36),
    blocks<BlockQ2_K>(DType::q2_k, "Q2_K"),
    blocks<BlockQ3_K>(DType::q3_k, "Q3_K"),
    undecoded(DType::q8_k, "Q8_K", 256, 292),
    blocks<BlockIQ2_XXS>(DType::iq2_xxs, "IQ2_XXS"),
    blocks<BlockIQ2_XS>(DType::iq2_xs, "IQ2_XS"),
    blocks<BlockIQ3_XXS>(DType::iq3_xxs, "IQ3_XXS"),
    blocks<BlockIQ1_S>(DType::iq1_s, "IQ1_S"),
    blocks<BlockIQ4_NL>(DType::iq4_nl, "IQ4_NL"),
    blocks<BlockIQ3_S>(DType::iq3_s, "IQ3_S"),
    blocks<BlockIQ2_S>(DType::iq2_s, "IQ2_S"),
    blocks<BlockIQ4_XS>(DType::iq4_xs, "IQ4_XS"),
    blocks<BlockIQ1_M>(DType::iq1_m, "IQ1_M"),
    blocks<BlockTQ1_0>(DType::tq1_0, "TQ1_0"),
    blocks<BlockTQ2_0>(DType::tq2_0, "TQ2_0"),
    blocks<BlockMXFP4>(DType::mxfp4, "MXFP4"),
    // safetensors only
    plain<uint8_t>(DType::boolean, "BOOL"),
    plain<uint8_t>(DType::u8, "U8"),
    plain<uint16_t>(DType::u16, "U16"),
    plain<uint32_t>(DType::u32, "U32"),
    plain<uint64_t>(DType::u64, "U64"),
    undecoded(DType::f8_e4m3, "F8_E4M3", 1, 1),
    undecoded(DType::f8_e5m2, "F8_E5M2", 1, 1),
};

}  // namespace

const DTypeTraits* dtype_traits(DType type) {
  for (const DTypeTraits& traits : kTypes) {
    if (traits.type == type) return &traits;
  }
  return nullptr;
}

const DTypeTraits* dtype_by_name(std::string_view name) {
  for (const DTypeTraits& traits : kTypes) {
    if (traits.name == name) return &traits;
  }
  return nullptr;
}

std::optional<uint64_t> dtype_bytes(DType type, int64_t count) {
  const DTypeTraits* traits = dtype_traits(type);
  if (!traits || count < 0 || count % traits->block != 0) return std::nullopt;
  const uint64_t blocks = static_cast<uint64_t>(count / traits->block);
  const uint64_t bytes = static_cast<uint64_t>(traits->block_bytes);
  if (blocks > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / bytes)
    return std::nullopt;
  return blocks * bytes;
}

}  // namespace avocado
