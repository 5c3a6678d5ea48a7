#pragma once
// Coefficients of the elementary functions: minimax polynomials fitted for this project (Remez
// exchange at 200 bits; docs/numerics.md). Shared by the scalar and the 16-lane
// forms; internal linkage, so that no object of one instruction set offers them to another.

#include <cstdint>

namespace avocado::kernels::constants {

// Adding it rounds to an integer (nearest even) that then stands in the low bits.
constexpr float kRound = 0x1.8p23f;
constexpr float kLog2E = 0x1.715476p+0f;
constexpr float kLn2High = 0x1.62e43p-1f;
constexpr float kLn2Low = -0x1.05c61p-29f;
// The least argument whose exponential is a normal number, and the largest with a finite one.
constexpr float kExpMin = -0x1.5d589ep+6f;
constexpr float kExpMax = 0x1.62e42ep+6f;
// e^r = 1 + r + r^2 P(r) on |r| <= ln 2 / 2, relative error 2^-34.
constexpr float kExp[6] = {0x1p-1f,        0x1.555554p-3f,  0x1.55548ep-5f,
                           0x1.111272p-7f, 0x1.6d8d52p-10f, 0x1.9f085ep-13f};

constexpr float kTwo23 = 0x1p23f;
constexpr int32_t kSqrtHalfBits = 0x3f3504f3;  // sqrt(1/2)
// log(1 + f) = f - f^2/2 + f^3 P(f) on [sqrt(1/2) - 1, sqrt(2) - 1], relative error 2^-30.3.
constexpr float kLog[9] = {0x1.555548p-2f,  -0x1.000006p-2f, 0x1.99a4cp-3f,
                           -0x1.555c54p-3f, 0x1.23368cp-3f,  -0x1.fc1fa6p-4f,
                           0x1.e6fbbap-4f,  -0x1.de5114p-4f, 0x1.14577ep-4f};

// tanh x = x + x^3 P(x^2) below the split, relative error 2^-32.6.
constexpr float kTanhSplit = 0.625f;
constexpr float kTanh[6] = {-0x1.555554p-2f, 0x1.11106cp-3f,  -0x1.b9ef7cp-5f,
                            0x1.6394dap-6f,  -0x1.0c2148p-7f, 0x1.197b8p-9f};

constexpr double kRound64 = 0x1.8p52;
constexpr double kLog2E64 = 0x1.71547652b82fep+0;
constexpr double kLn2High64 = 0x1.62e42fefa38p-1;  // 42 bits: times an exponent it is exact
constexpr double kLn2Low64 = 0x1.ef35793c7673p-45;
constexpr double kExpMin64 = -0x1.6232bdd7abcd2p+9;
constexpr double kExpMax64 = 0x1.62e42fefa39efp+9;
// As kExp, relative error 2^-64.
constexpr double kExp64[11] = {0x1p-1,
                               0x1.555555555555bp-3,
                               0x1.5555555555503p-5,
                               0x1.111111110ec3fp-7,
                               0x1.6c16c16c305d9p-10,
                               0x1.a01a01b38a1c9p-13,
                               0x1.a01a01364f1b1p-16,
                               0x1.71ddf00274126p-19,
                               0x1.27e5b490fb915p-22,
                               0x1.af6c1dd099a6dp-26,
                               0x1.1e3d0a6b28c24p-29};

constexpr int64_t kSqrtHalfBits64 = 0x3fe6a09e667f3bcd;
// log((1 + s) / (1 - s)) = 2 s + s^3 P(s^2), error 2^-72.9 of s.
constexpr double kLog64[9] = {0x1.5555555555555p-1, 0x1.999999999998ep-2, 0x1.24924924939d1p-2,
                              0x1.c71c71c4bc477p-3, 0x1.745d1879489dep-3, 0x1.3b13537d728e2p-3,
                              0x1.1122a07f15542p-3, 0x1.ddf0559f0f009p-4, 0x1.ecfcdfa0a7885p-4};

constexpr double kMaxAngle = 0x1p30;
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
constexpr double kHalfPi1 = 0x1.921fb54442d18p+0;  // pi / 2 in three doubles
constexpr double kHalfPi2 = 0x1.1a62633145c07p-54;
constexpr double kHalfPi3 = -0x1.f1976b7ed8fbcp-110;
// sin r = r + r^3 P(r^2), cos r = 1 - r^2/2 + r^4 P(r^2) on |r| <= pi / 4; 2^-68.8 and 2^-75.2.
constexpr double kSin64[7] = {-0x1.5555555555555p-3, 0x1.111111111110bp-7,   -0x1.a01a01a018acep-13,
                              0x1.71de3a5337a46p-19, -0x1.ae645295e00d8p-26, 0x1.61209125b7bfdp-33,
                              -0x1.aaa47c7717b7fp-41};
constexpr double kCos64[7] = {0x1.5555555555555p-5,   -0x1.6c16c16c16c1p-10, 0x1.a01a01a018dd6p-16,
                              -0x1.27e4fb75fc2a6p-22, 0x1.1eed8ca2301c8p-29, -0x1.939336904b978p-37,
                              0x1.aac4e7720d8f7p-45};

}  // namespace avocado::kernels::constants
