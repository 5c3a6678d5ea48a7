#include "kernels/block8/block8.h"

#include "kernels/block8/block8_ref.h"
#include "kernels/implementations.h"

namespace avocado::kernels {
namespace {

void encode8_reference(Code8 code, const float* x, uint8_t* codes, float* scales, int64_t count) {
  reference::encode8(code, x, codes, scales, count);
}

void decode8_reference(Code8 code, const uint8_t* codes, const float* scales, float* x,
                       int64_t count) {
  reference::decode8(code, codes, scales, x, count);
}

using Encode8 = decltype(encode8_reference);
using Decode8 = decltype(decode8_reference);

}  // namespace

AVOCADO_IMPLEMENTATIONS(kEncode8, "encode8", encode8_range, Encode8, encode8_reference)
AVOCADO_IMPLEMENTATIONS(kDecode8, "decode8", decode8_range, Decode8, decode8_reference)

void encode8(Code8 code, const float* x, uint8_t* codes, float* scales, int64_t count) {
  kEncode8.pick()(code, x, codes, scales, count);
}

void decode8(Code8 code, const uint8_t* codes, const float* scales, float* x, int64_t count) {
  kDecode8.pick()(code, codes, scales, x, count);
}

}  // namespace avocado::kernels
