#pragma once
// The project's own elementary functions: the same bits on every machine, unlike libm's.
// simd/math.h computes the same steps on 16 lanes. Stated errors are maxima over all float inputs
// (math_test.cc walks all 2^32 in the slow suite); an ulp is that of the exact result.

#include <cstdint>

namespace avocado::kernels {

// e^x, below 1 ulp. Results below the smallest normal number are zero (never subnormal); above the
// largest, infinity. NaN gives NaN.
float exp(float x);
// Natural logarithm, below 1 ulp. Zero gives -inf, negative numbers NaN. Subnormals are exact
// inputs.
float log(float x);
// 1 / (1 + e^-x), below 2.5 ulp where the result is normal; zero below x = -88.722.
float sigmoid(float x);
float tanh(float x);  // below 1.5 ulp
// Rounded from the double forms, below 0.51 ulp for |x| < 2^30; NaN beyond.
float sin(float x);
float cos(float x);

// y[i] = f(x[i]) by the instruction set in use; y may equal x. Not split over threads.
void exp(const float* x, float* y, int64_t count);
void log(const float* x, float* y, int64_t count);
void sigmoid(const float* x, float* y, int64_t count);
void tanh(const float* x, float* y, int64_t count);

// Double forms, below 1 ulp: tables and reference evaluations. exp as above; sin and cos need
// |x| < 2^30 and give NaN beyond, where an angle means nothing to this program.
double exp(double x);
double log(double x);
double sin(double x);
double cos(double x);
// base^exponent for base > 0, as exp(exponent * log(base)) with the product carried in two doubles.
double pow(double base, double exponent);

}  // namespace avocado::kernels
