// The elementary functions: scalar and every instruction set give the same bits, and the error
// against libm in double stays below the bound that math.h states. The ordinary suite strides
// through the 2^32 floats; AVOCADO_SLOW_TESTS=1 takes them all.
#include "kernels/math/math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <vector>

#include "base/philox.h"
#include "base/thread_pool.h"
#include "kernels/isa.h"

namespace avocado::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool slow_tests() { return std::getenv("AVOCADO_SLOW_TESTS") != nullptr; }

uint32_t bits(float x) { return x != x ? 0x7fc00000u : std::bit_cast<uint32_t>(x); }

// Distance in units in the last place of the exact result; results that are not normal numbers
// must be what float makes of the exact one.
double ulp_error(float got, double exact) {
  if (std::isnan(exact)) return std::isnan(got) ? 0 : kInf;
  const auto rounded = static_cast<float>(exact);
  if (got == rounded && (exact == 0 || std::isinf(got))) return 0;
  if (std::isinf(got) || std::isinf(rounded)) return kInf;
  return std::fabs(got - exact) / std::ldexp(1.0, std::max(std::ilogb(exact), -126) - 23);
}

struct Unary {
  const char* name;
  float (*scalar)(float);
  void (*array)(const float*, float*, int64_t);  // null: no SIMD form
  double (*exact)(double);
  double bound;  // ulp, over lowest <= x <= highest
  float lowest, highest;
};

const Unary kUnary[] = {
    {"exp", exp, exp, std::exp, 1.0, -0x1.5d589ep+6f, kInf},
    {"log", log, log, std::log, 1.0, 0, kInf},
    {"sigmoid", sigmoid, sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5, -87.3f,
     kInf},
    {"tanh", tanh, tanh, std::tanh, 1.5, -kInf, kInf},
    {"sin", sin, nullptr, std::sin, 0.51, -0x1p30f, 0x1p30f},
    {"cos", cos, nullptr, std::cos, 0.51, -0x1p30f, 0x1p30f},
};

class MathFloat : public testing::TestWithParam<Unary> {};

TEST_P(MathFloat, SameBitsEverywhereAndErrorBelowBound) {
  const Unary& f = GetParam();
  constexpr int64_t kBlock = 1 << 16;
  const int64_t stride = slow_tests() ? 1 : 1009;
  const int64_t count = ((int64_t{1} << 32) + stride - 1) / stride;
  const Isa before = active_isa();
  ThreadPool pool(slow_tests() ? default_threads() : 1);
  std::mutex mutex;
  double worst = 0;
  float worst_at = 0;
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    if (isa != Isa::scalar && f.array == nullptr) continue;
    int64_t differing = 0;
    pool.run_chunks(count, kBlock, [&](int64_t begin, int64_t end) {
      std::vector<float> x(static_cast<size_t>(end - begin)), y(x.size());
      for (size_t i = 0; i < x.size(); ++i)
        x[i] =
            std::bit_cast<float>(static_cast<uint32_t>((begin + static_cast<int64_t>(i)) * stride));
      if (f.array != nullptr) f.array(x.data(), y.data(), end - begin);
      int64_t bad = 0;
      double most = 0;
      float most_at = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const float want = f.scalar(x[i]);
        if (f.array != nullptr && bits(want) != bits(y[i])) ++bad;
        if (isa != Isa::scalar || !(x[i] >= f.lowest && x[i] < f.highest)) continue;
        const double error = ulp_error(want, f.exact(x[i]));
        if (error > most) most = error, most_at = x[i];
      }
      std::lock_guard lock(mutex);
      differing += bad;
      if (most > worst) worst = most, worst_at = most_at;
    });
    EXPECT_EQ(differing, 0) << f.name << " on " << isa_name(isa);
  }
  set_active_isa(before);
  std::printf("%-8s %lld inputs, largest error %.4f ulp at %a\n", f.name,
              static_cast<long long>(count), worst, static_cast<double>(worst_at));
  EXPECT_LT(worst, f.bound) << f.name << " at " << worst_at;
}

INSTANTIATE_TEST_SUITE_P(All, MathFloat, testing::ValuesIn(kUnary),
                         [](const auto& param) { return param.param.name; });

TEST(Math, SpecialValues) {
  EXPECT_EQ(bits(exp(0.0f)), bits(1.0f));
  EXPECT_EQ(bits(exp(-kInf)), bits(0.0f));
  EXPECT_EQ(exp(kInf), kInf);
  EXPECT_EQ(exp(0x1.62e42ep+6f), 0x1.ffff08p+127f);  // the last finite one
  EXPECT_EQ(exp(0x1.62e43p+6f), kInf);
  EXPECT_GE(exp(-0x1.5d589ep+6f), std::numeric_limits<float>::min());
  EXPECT_EQ(bits(exp(-0x1.5d58ap+6f)), bits(0.0f));  // below the smallest normal number: zero
  EXPECT_EQ(log(0.0f), -kInf);
  EXPECT_EQ(log(-0.0f), -kInf);
  EXPECT_EQ(log(kInf), kInf);
  EXPECT_EQ(bits(log(1.0f)), bits(0.0f));
  EXPECT_EQ(bits(tanh(-0.0f)), bits(-0.0f));
  EXPECT_EQ(tanh(-kInf), -1.0f);
  EXPECT_EQ(bits(sin(-0.0f)), bits(-0.0f));
  EXPECT_EQ(cos(0.0f), 1.0f);
  for (float bad : {log(-1.0f), log(-kInf), sin(kInf), cos(0x1p30f), exp(kNan), log(kNan),
                    sigmoid(kNan), tanh(kNan), sin(kNan)})
    EXPECT_NE(bad, bad);
  EXPECT_EQ(pow(0.0, 0.0), 1.0);
  EXPECT_EQ(pow(10.0, 2.0), 100.0);
}

#if __LDBL_MANT_DIG__ > 53
double ulp_error(double got, long double exact) {
  const int e = std::max(std::ilogb(exact), -1022);
  return static_cast<double>(std::fabs(got - exact) / std::ldexp(1.0L, e - 52));
}

TEST(Math, DoubleFormsAreWithinOneUlp) {
  const Random random(1, Purpose::test);
  struct Worst {
    double exp = 0, log = 0, sin = 0, cos = 0, pow = 0;
  } worst;
  const auto raise = [](double& most, double error) { most = std::max(most, error); };
  for (uint64_t i = 0; i < 20000; ++i) {
    const double u = random.uniform64(2 * i), v = random.uniform64(2 * i + 1);
    const double x = 1400 * (u - 0.5), angle = std::ldexp(2 * v - 1, static_cast<int>(i % 31));
    raise(worst.exp, ulp_error(exp(x), std::exp(static_cast<long double>(x))));
    const double positive = i % 2 == 0 ? std::exp(x) : 0.5 + v;
    raise(worst.log, ulp_error(log(positive), std::log(static_cast<long double>(positive))));
    raise(worst.sin, ulp_error(sin(angle), std::sin(static_cast<long double>(angle))));
    raise(worst.cos, ulp_error(cos(angle), std::cos(static_cast<long double>(angle))));
    const double base = std::exp(20 * v);
    raise(worst.pow, ulp_error(pow(base, -u), std::pow(static_cast<long double>(base),
                                                       static_cast<long double>(-u))));
  }
  std::printf("double, largest error in ulp: exp %.3f log %.3f sin %.3f cos %.3f pow %.3f\n",
              worst.exp, worst.log, worst.sin, worst.cos, worst.pow);
  EXPECT_LT(worst.exp, 1);
  EXPECT_LT(worst.log, 1);
  EXPECT_LT(worst.sin, 1);
  EXPECT_LT(worst.cos, 1);
  EXPECT_LT(worst.pow, 1);
}
#endif

}  // namespace
}  // namespace avocado::kernels
