#include "kernels/linear/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/philox.h"
#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"
#include "kernels/linear/linear_bf16.h"
#include "tensor/dtype.h"

namespace avocado::kernels {
namespace {

constexpr int64_t kSizes[] = {1, 2, 3, 5, 7, 13, 15, 16, 17, 31, 33, 47, 48, 49, 64, 65, 100};
constexpr float kGuard = 12345.0f;
constexpr size_t kGuards = 16;

// Numbers of very different sizes; `special` adds NaN, infinities, zeros and subnormals.
std::vector<float> numbers(int64_t count, uint32_t stream, bool special = false) {
  const Random random(7, Purpose::test, stream);
  std::vector<float> v(static_cast<size_t>(count));
  for (size_t i = 0; i < v.size(); ++i) {
    const PhiloxBlock block = random.block(i);
    v[i] = std::ldexp(static_cast<float>(static_cast<int32_t>(block[0])),
                      -31 - static_cast<int>(block[1] % 6));
    if (special && block[2] % 8 == 0) {
      constexpr float kOdd[] = {0.0f, -0.0f, 1e-40f, -3e-39f, 1e-38f, 3e38f};
      v[i] = kOdd[block[3] % 6];
    }
    if (special && block[2] % 251 == 1) {
      constexpr float kBad[] = {std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()};
      v[i] = kBad[block[3] % 3];
    }
  }
  return v;
}

// Same bits; a NaN equals any NaN.
bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

testing::AssertionResult same(const std::vector<float>& got, const std::vector<float>& want) {
  if (got.size() != want.size()) return testing::AssertionFailure() << "sizes differ";
  for (size_t i = 0; i < got.size(); ++i) {
    if (!same(got[i], want[i])) {
      return testing::AssertionFailure()
             << "element " << i << ": " << got[i] << ", scalar " << want[i];
    }
  }
  return testing::AssertionSuccess();
}

// An output between guards.
std::vector<float> guarded(const std::vector<float>& old) {
  std::vector<float> out(old.size() + 2 * kGuards, kGuard);
  std::copy(old.begin(), old.end(), out.begin() + kGuards);
  return out;
}

struct Shape {
  int64_t n, out, in;
};

// Every output of every function of linear.h, each between its guards.
struct Outputs {
  std::vector<float> y, y_bias, packed, y_f16, f16, bf16, dx, dx_add, dw, dbias;
  std::vector<float> y16, dx16, dx16_add, dw16;  // linear_bf16.h
};

struct Inputs {
  Inputs(Shape s, bool special)
      : shape(s),
        x(numbers(s.n * s.in, 1, special)),
        w(numbers(s.out * s.in, 2, special)),
        bias(numbers(s.out, 3, special)),
        dy(numbers(s.n * s.out, 4, special)) {
    for (float f : w) {
      w16.push_back(f32_to_bf16(f));
      halves.push_back(f32_to_f16(f));
      rounded.push_back(f16_to_f32(halves.back()));
    }
  }

  Outputs run(ThreadPool& pool) const {
    const auto& [n, out, in] = shape;
    const auto zeros = [](int64_t count) {
      return guarded(std::vector<float>(static_cast<size_t>(count)));
    };
    Outputs o;
    o.y = o.y_bias = o.packed = o.y_f16 = o.f16 = o.bf16 = zeros(n * out);
    o.dx = zeros(n * in);
    o.dx_add = guarded(x);
    o.dw = guarded(w);
    o.dbias = guarded(bias);
    o.y16 = zeros(n * out);
    o.dx16 = zeros(n * in);
    o.dx16_add = guarded(x);
    o.dw16 = guarded(w);
    const PackedWeight p = PackedWeight::from_f32(pool, w.data(), out, in);
    const PackedWeight p16 = PackedWeight::from_bf16(pool, w16.data(), out, in);
    const PackedWeight half = PackedWeight::from_f16(pool, halves.data(), out, in);
    const float* none = nullptr;
    linear(pool, x.data(), rounded.data(), bias.data(), o.y_f16.data() + kGuards, n, out, in);
    linear(pool, x.data(), half, bias.data(), o.f16.data() + kGuards, n);
    linear(pool, x.data(), w.data(), none, o.y.data() + kGuards, n, out, in);
    linear(pool, x.data(), w.data(), bias.data(), o.y_bias.data() + kGuards, n, out, in);
    linear(pool, x.data(), p, bias.data(), o.packed.data() + kGuards, n);
    linear(pool, x.data(), p16, nullptr, o.bf16.data() + kGuards, n);
    linear_backward_input(pool, dy.data(), w.data(), o.dx.data() + kGuards, n, out, in, false);
    linear_backward_input(pool, dy.data(), w.data(), o.dx_add.data() + kGuards, n, out, in, true);
    linear_backward_weight(pool, dy.data(), x.data(), o.dw.data() + kGuards, n, out, in);
    linear_backward_bias(pool, dy.data(), o.dbias.data() + kGuards, n, out);
    linear_bf16(pool, x.data(), w.data(), none, o.y16.data() + kGuards, n, out, in);
    linear_backward_input_bf16(pool, dy.data(), w.data(), o.dx16.data() + kGuards, n, out, in,
                               false);
    linear_backward_input_bf16(pool, dy.data(), w.data(), o.dx16_add.data() + kGuards, n, out, in,
                               true);
    linear_backward_weight_bf16(pool, dy.data(), x.data(), o.dw16.data() + kGuards, n, out, in);
    return o;
  }

  Shape shape;
  std::vector<float> x, w, bias, dy;
  std::vector<uint16_t> w16, halves;
  std::vector<float> rounded;  // the halves, widened
};

void expect_same(const Outputs& got, const Outputs& want) {
  EXPECT_TRUE(same(got.y, want.y)) << "linear";
  EXPECT_TRUE(same(got.y_bias, want.y_bias)) << "linear with bias";
  EXPECT_TRUE(same(got.packed, want.y_bias)) << "packed";
  EXPECT_TRUE(same(got.f16, want.y_f16)) << "f16 as the widened weights";
  EXPECT_TRUE(same(got.f16, want.f16)) << "f16";
  EXPECT_TRUE(same(got.bf16, want.bf16)) << "bf16";
  EXPECT_TRUE(same(got.y16, want.bf16)) << "bf16, rounded on the way";
  EXPECT_TRUE(same(got.dx16, want.dx16)) << "backward input in bf16";
  EXPECT_TRUE(same(got.dx16_add, want.dx16_add)) << "backward input in bf16, added";
  EXPECT_TRUE(same(got.dw16, want.dw16)) << "backward weight in bf16";
  EXPECT_TRUE(same(got.dx, want.dx)) << "backward input";
  EXPECT_TRUE(same(got.dx_add, want.dx_add)) << "backward input, added";
  EXPECT_TRUE(same(got.dw, want.dw)) << "backward weight";
  EXPECT_TRUE(same(got.dbias, want.dbias)) << "backward bias";
}

class LinearTest : public testing::Test {
 protected:
  ~LinearTest() override { set_active_isa(before_); }

  void compare(Shape shape, bool special) {
    const Inputs inputs(shape, special);
    set_active_isa(Isa::scalar);
    const Outputs want = inputs.run(one_);
    for (Isa isa : available_isas()) {
      set_active_isa(isa);
      SCOPED_TRACE(std::string(isa_name(isa)) + " n " + std::to_string(shape.n) + " out " +
                   std::to_string(shape.out) + " in " + std::to_string(shape.in));
      expect_same(inputs.run(one_), want);
      if (HasFailure()) return;
    }
  }

  ThreadPool one_{1};
  const Isa before_ = active_isa();
};

TEST_F(LinearTest, EveryInstructionSetEqualsScalarAtRaggedShapes) {
  for (int64_t n : kSizes) {
    for (int64_t out : kSizes) {
      // A third of the cube, each pair of sizes met in each place.
      for (size_t i = static_cast<size_t>(n + out) % 3; i < std::size(kSizes); i += 3) {
        compare({n, out, kSizes[i]}, false);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(LinearTest, EveryInstructionSetEqualsScalarBeyondOneBlock) {
  compare({230, 70, 530}, false);
  compare({530, 230, 40}, false);
  compare({5, 300, 1030}, false);
  // k so long that tiles are taller, forwards and backwards.
  compare({261, 34, 8195}, false);
  compare({261, 8195, 34}, false);
  compare({3, 1000, 130}, false);
}

TEST_F(LinearTest, EveryInstructionSetEqualsScalarOnSpecialNumbers) {
  for (int64_t n : {1, 7, 33}) {
    for (int64_t in : {1, 2, 17, 100}) compare({n, 65, in}, true);
  }
}

TEST_F(LinearTest, GuardsStayIntact) {
  const Inputs inputs({17, 33, 49}, false);
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    const Outputs o = inputs.run(one_);
    for (const auto* v : {&o.y, &o.y_bias, &o.packed, &o.bf16, &o.dx, &o.dx_add, &o.dw, &o.dbias,
                          &o.y16, &o.dx16, &o.dx16_add, &o.dw16}) {
      for (size_t i = 0; i < kGuards; ++i) {
        ASSERT_EQ((*v)[i], kGuard);
        ASSERT_EQ((*v)[v->size() - 1 - i], kGuard);
      }
    }
  }
}

TEST_F(LinearTest, ThreadsAreFree) {
  const Inputs inputs({300, 310, 70}, false);
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    const Outputs want = inputs.run(one_);
    for (int threads : {2, 3, 7}) {
      ThreadPool pool(threads);
      SCOPED_TRACE(std::string(isa_name(isa)) + ", threads " + std::to_string(threads));
      expect_same(inputs.run(pool), want);
    }
  }
}

TEST_F(LinearTest, RowsAreIndependent) {
  const int64_t n = 37, out = 200, in = 150;
  const Inputs inputs({n, out, in}, false);
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    const Outputs batch = inputs.run(one_);
    const PackedWeight p16 = PackedWeight::from_bf16(one_, inputs.w16.data(), out, in);
    const PackedWeight half = PackedWeight::from_f16(one_, inputs.halves.data(), out, in);
    const PackedWeight p = PackedWeight::from_f32(one_, inputs.w.data(), out, in);
    for (int64_t count : {1, 2, 5, 8, 9}) {
      for (int64_t r = 0; r + count <= n; r += count) {
        std::vector<float> y(static_cast<size_t>(count * out));
        const auto in_batch = [&](const std::vector<float>& all) {
          const auto from = all.begin() + kGuards + r * out;
          return std::vector<float>(from, from + count * out);
        };
        linear(one_, inputs.x.data() + r * in, p, inputs.bias.data(), y.data(), count);
        ASSERT_TRUE(same(y, in_batch(batch.y_bias))) << isa_name(isa) << " rows " << count;
        linear(one_, inputs.x.data() + r * in, half, inputs.bias.data(), y.data(), count);
        ASSERT_TRUE(same(y, in_batch(batch.y_f16))) << isa_name(isa) << " f16, rows " << count;
        linear(one_, inputs.x.data() + r * in, p16, nullptr, y.data(), count);
        ASSERT_TRUE(same(y, in_batch(batch.bf16))) << isa_name(isa) << " bf16, rows " << count;
      }
    }
  }
}

TEST_F(LinearTest, EveryHalfIsWidenedExactly) {
  std::vector<uint16_t> halves(65536);
  std::vector<float> want, y(halves.size());
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = static_cast<uint16_t>(i);
    want.push_back(f16_to_f32(halves[i]) + 0.0f);
  }
  const float one = 1;
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    const PackedWeight w = PackedWeight::from_f16(one_, halves.data(), 65536, 1);
    EXPECT_EQ(w.bytes(), 65536 * sizeof(uint16_t));
    linear(one_, &one, w, nullptr, y.data(), 1);
    EXPECT_TRUE(same(y, want)) << isa_name(isa);
  }
}

// The bf16 kernels on one product of one pair at a time, with sums that end near 2^-126: the
// scalar definition against every implementation, vdpbf16ps itself included.
TEST_F(LinearTest, Bf16StepsAreThoseOfTheInstruction) {
  // sum = x0 * w0 through one step sets the accumulator; a second step is the one under test.
  const Random random(11, Purpose::test, 5);
  const int64_t n = 64, out = 64, in = 4, rounds = 250;  // a million triples
  std::vector<Isa> isas = available_isas();
  for (int64_t round = 0; round < rounds; ++round) {
    std::vector<float> x(n * in);
    std::vector<uint16_t> w(out * in);
    const auto draw = [&](uint64_t i) {
      const PhiloxBlock b = random.block(static_cast<uint64_t>(round) * 100000 + i);
      // Exponents that put products around 2^-126, mixed with any bits at all.
      const uint32_t exponent = b[1] % 16 == 0 ? b[2] % 256 : 44 + b[2] % 40;
      const uint32_t fraction = b[1] % 3 == 0 ? 0 : b[1] % 3 == 1 ? 0x7f : b[3] % 128;
      return static_cast<uint16_t>((b[0] & 1) << 15 | exponent << 7 | fraction);
    };
    for (size_t i = 0; i < x.size(); ++i) x[i] = bf16_to_f32(draw(i));
    for (size_t i = 0; i < w.size(); ++i) w[i] = draw(50000 + i);
    set_active_isa(Isa::scalar);
    std::vector<float> want(n * out), got(n * out);
    linear(one_, x.data(), PackedWeight::from_bf16(one_, w.data(), out, in), nullptr, want.data(),
           n);
    for (Isa isa : isas) {
      set_active_isa(isa);
      linear(one_, x.data(), PackedWeight::from_bf16(one_, w.data(), out, in), nullptr, got.data(),
             n);
      ASSERT_TRUE(same(got, want)) << isa_name(isa);
    }
  }
}

// Whichever is taken here: the form for few rows, for many, and that of vdpbf16ps or bfmlalt.
TEST_F(LinearTest, EveryFormOfBf16EqualsScalar) {
  for (const auto& [n, out, in] : {Shape{5, 20, 530}, Shape{29, 100, 530}, Shape{61, 131, 259}}) {
    const Inputs inputs({n, out, in}, true);
    set_active_isa(Isa::scalar);
    const Outputs want = inputs.run(one_);
    set_active_isa(available_isas().front());
    const GemmKernels* found = gemm_kernels();
    if (!found) GTEST_SKIP() << "only the scalar reference is here";
    const GemmKernels& kernels = *found;
    const int64_t width = kernels.width;
    const auto packed = [&](const auto pack, const float* b, int64_t ld, int64_t k, int64_t cols) {
      const int64_t panels = (cols + width - 1) / width;
      std::vector<float> memory(static_cast<size_t>(panels * width * ((k + 1) / 2)));
      pack(b, ld, k, cols, 0, panels, memory.data());
      return memory;
    };
    const std::vector<float> w = packed(kernels.pack_transposed_bf16, inputs.w.data(), in, in, out);
    const std::vector<float> x = packed(kernels.pack_bf16, inputs.x.data(), in, n, in);
    for (const bool native : {false, true}) {
      if (native && !(kernels.tile_bf16_native && use_bf16())) continue;
      SCOPED_TRACE("n " + std::to_string(n) + (native ? " native" : ""));
      std::vector<float> y = guarded(std::vector<float>(static_cast<size_t>(n * out)));
      gemm(one_, kernels, native ? kernels.tile_bf16_native : kernels.tile_bf16,
           {.a = inputs.x.data(),
            .lda = in,
            .b = w.data(),
            .ldb = (in + 1) / 2 * width,
            .c = y.data() + kGuards,
            .ldc = out,
            .rows = n,
            .cols = out,
            .k = in});
      EXPECT_TRUE(same(y, want.bf16));
      std::vector<float> dw = guarded(inputs.w);
      gemm(one_, kernels,
           native ? kernels.tile_transposed_bf16_native : kernels.tile_transposed_bf16,
           {.a = inputs.dy.data(),
            .transposed = true,
            .lda = out,
            .b = x.data(),
            .ldb = (n + 1) / 2 * width,
            .c = dw.data() + kGuards,
            .ldc = in,
            .rows = out,
            .cols = in,
            .k = n,
            .accumulate = true});
      EXPECT_TRUE(same(dw, want.dw16));
    }
  }
}

// Rows may come in parts of even size: so the head's gradient, made block by block, is that of all
// rows at once.
TEST_F(LinearTest, WeightGradientsInBf16AddRowsInPairs) {
  const int64_t n = 301, out = 40, in = 50, part = 64;
  const Inputs inputs({n, out, in}, true);
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    const std::vector<float> whole = inputs.run(one_).dw16;
    std::vector<float> parts = guarded(inputs.w);
    for (int64_t r = 0; r < n; r += part)
      linear_backward_weight_bf16(one_, inputs.dy.data() + r * out, inputs.x.data() + r * in,
                                  parts.data() + kGuards, std::min(part, n - r), out, in);
    EXPECT_TRUE(same(parts, whole)) << isa_name(isa);
  }
}

// The gradient functions in double against central differences of the forward function.
TEST(LinearGradient, EqualsCentralDifferences) {
  ThreadPool pool(1);
  const int64_t n = 5, out = 4, in = 6;
  const auto widen = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  std::vector<double> x = widen(numbers(n * in, 1)), w = widen(numbers(out * in, 2));
  std::vector<double> bias = widen(numbers(out, 3));
  const std::vector<double> dy = widen(numbers(n * out, 4));
  std::vector<double> dx(n * in), dw(out * in), dbias(out), y(n * out);
  linear_backward_input(pool, dy.data(), w.data(), dx.data(), n, out, in, false);
  linear_backward_weight(pool, dy.data(), x.data(), dw.data(), n, out, in);
  linear_backward_bias(pool, dy.data(), dbias.data(), n, out);
  const auto value = [&] {
    linear(pool, x.data(), w.data(), bias.data(), y.data(), n, out, in);
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
  };
  double worst = 0;
  const auto check = [&](std::vector<double>& input, const std::vector<double>& gradient) {
    for (size_t i = 0; i < input.size(); ++i) {
      const double old = input[i], h = 1e-4;
      input[i] = old + h;
      const double up = value();
      input[i] = old - h;
      const double down = value();
      input[i] = old;
      const double numeric = (up - down) / (2 * h);
      worst = std::max(worst,
                       std::fabs(numeric - gradient[i]) / std::max(1e-3, std::fabs(gradient[i])));
    }
  };
  check(x, dx);
  check(w, dw);
  check(bias, dbias);
  RecordProperty("largest_relative_error", std::to_string(worst));
  std::printf("linear: largest relative error of a gradient %.2g\n", worst);
  EXPECT_LT(worst, 1e-8);
}

}  // namespace
}  // namespace avocado::kernels
