#pragma once
// The project's own elementary functions: the same bits on every machine, unlike libm's.
// Scalar forms; the SIMD forms in simd/math.h compute the same steps on 16 lanes.
// Stated errors are maxima over all float inputs (math_test.cc walks all 2^32 in the slow suite).

namespace avocado::kernels {

// e^x. Results below the smallest normal number are zero (never subnormal); above the largest,
// infinity. NaN gives NaN.
float exp(float x);
// Natural logarithm. Zero gives -inf, negative numbers NaN. Subnormals are exact inputs.
float log(float x);
float sin(float x);
float cos(float x);
float sigmoid(float x);
float tanh(float x);

// Double forms (error below 2 ulp for |x| < 2^30 in sin and cos): tables and reference evaluations.
double exp(double x);
double log(double x);
double sin(double x);
double cos(double x);
// base^exponent for base > 0, as exp(exponent * log(base)) with the product carried in two doubles.
double pow(double base, double exponent);

}  // namespace avocado::kernels
