#pragma once
// block8: numbers as one byte each and an f32 scale per 64, for what an optimizer keeps.
//
// Moments of gradients differ by orders of magnitude inside a block, so codes are not linear. The
// first moment is a square with a sign: an element x of a block whose largest is s comes back with
// an error below s * (sqrt(|x| / s) / 127 + 1 / 64516), at most 0.79 % of s, and what is above
// s / 64516 does not vanish. The second moment is a fourth power, because Adam divides by its root:
// that root errs by at most (1 + 1 / (510 y))^2 - 1 of itself with y = (x / s)^(1/4), 0.4 % for the
// largest, 4 % for a number ten thousand times smaller. A number above zero never gets the code 0,
// so no divisor becomes eps: what lies far below its block only takes smaller steps.
//
// ORDER OF ROUNDING, per block (the last of an array may be shorter):
//   scale = largest |x|, NaNs passed over; d = scale if scale > 0, else 1
//   signed_square: r = sqrt(|x| / d) * 127; r = r < 127 ? r : 127; with the sign of x
//   fourth_power:  r = sqrt(sqrt(x / d)) * 255; r = r < 255 ? r : 255; at least 1 when x > 0
//   c = r rounded to a whole number, nearest even
// and back, with k = scale * f32(1 / 127^2) or scale * f32(1 / 255^4):
//   signed_square: x = (c * |c|) * k             fourth_power: q = c * c, x = (q * q) * k
//
// Not split over threads: `x` begins at the first element of a block, and so do codes and scales.

#include <cstdint>

#include "kernels/block8/code.h"

namespace avocado::kernels {

constexpr int64_t blocks8(int64_t count) { return (count + kBlock8 - 1) / kBlock8; }

// x [count] -> codes [count], scales [blocks8(count)].
void encode8(Code8 code, const float* x, uint8_t* codes, float* scales, int64_t count);
void decode8(Code8 code, const uint8_t* codes, const float* scales, float* x, int64_t count);

}  // namespace avocado::kernels
