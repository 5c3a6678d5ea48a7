// Every stored type on every instruction set against the scalar reference, which reads the blocks
// as they are stored: bit by bit, for all numbers of rows up to a few tiles, ragged outputs,
// several thread counts, and inputs and scales that are infinite, NaN or tiny. And the reference
// against exact products of the decoded weights.
#include "kernels/quantized/quantized.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "kernels/isa.h"

namespace avocado::kernels {
namespace {

constexpr DType kTypes[] = {
    DType::q4_0,   DType::q4_1,  DType::q5_0,    DType::q5_1,  DType::q8_0,   DType::q2_k,
    DType::q3_k,   DType::q4_k,  DType::q5_k,    DType::q6_k,  DType::iq4_nl, DType::iq4_xs,
    DType::mxfp4,  DType::tq1_0, DType::tq2_0,   DType::iq1_s, DType::iq1_m,  DType::iq2_xxs,
    DType::iq2_xs, DType::iq2_s, DType::iq3_xxs, DType::iq3_s};
constexpr size_t kCodebooks = 15;  // from here on: values chosen in a codebook

enum class Inputs { ordinary, special, tiny };

std::vector<float> draw_inputs(int64_t count, Inputs kind) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kSpecial[] = {kInf, -kInf, std::numeric_limits<float>::quiet_NaN(), -0.0f,
                                0x1.fffffep127f};
  const Random random(3, Purpose::test, static_cast<uint32_t>(kind));
  std::vector<float> x;
  for (int64_t i = 0; i < count; ++i) {
    const PhiloxBlock block = random.block(static_cast<uint64_t>(i));
    const float uniform = static_cast<float>(block[0] >> 8) * 0x1p-23f - 1.0f;
    // Whole units differ in size, so that every scale matters.
    const float size = std::ldexp(
        1.0f, static_cast<int>(random.u32(static_cast<uint64_t>(i / 32 + 1) << 32) % 20) - 10);
    float value = uniform * size;
    if (kind == Inputs::special && block[1] % 199 == 0) value = kSpecial[block[2] % 5];
    if (kind == Inputs::tiny) value *= std::ldexp(1.0f, -100 - static_cast<int>(block[1] % 40));
    x.push_back(value);
  }
  return x;
}

// Random bytes are valid blocks; one scale in 32 is infinite or NaN.
std::vector<std::byte> draw_blocks(DType type, int64_t count) {
  std::vector<std::byte> bytes(*dtype_bytes(type, count));
  const Random random(4, Purpose::test, static_cast<uint32_t>(type));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random.u32(i) >> 9);
  return bytes;
}

std::vector<uint32_t> bits_of(const std::vector<float>& y) {
  std::vector<uint32_t> all;
  for (float v : y) all.push_back(v != v ? 0x7fc00000u : std::bit_cast<uint32_t>(v));
  return all;
}

class Quantized : public testing::Test {
 protected:
  void TearDown() override {
    set_active_isa(before_);
    allow_int8_matrix(true);
    allow_int8_dot(true);
  }

  static std::vector<uint32_t> run(Isa isa, ThreadPool& pool, DType type, int64_t n, int64_t out,
                                   int64_t in, Inputs kind, bool bias) {
    set_active_isa(isa);
    const std::vector<std::byte> blocks = draw_blocks(type, out * in);
    const std::vector<float> x = draw_inputs(n * in, kind), b = draw_inputs(out, Inputs::ordinary);
    const QuantizedWeight w = QuantizedWeight::pack(pool, type, blocks.data(), out, in);
    std::vector<float> y(static_cast<size_t>(n * out) + 32, -7.0f);
    linear(pool, x.data(), w, bias ? b.data() : nullptr, y.data(), n);
    for (size_t i = y.size() - 32; i < y.size(); ++i) EXPECT_EQ(y[i], -7.0f) << "wrote behind y";
    y.resize(y.size() - 32);
    return bits_of(y);
  }

 private:
  Isa before_ = active_isa();
};

struct Shape {
  int64_t n, out, blocks;
};
// 9 x 1200 is several tasks.
constexpr Shape kShapes[] = {{1, 1, 1},   {1, 40, 3},  {2, 16, 2},  {3, 17, 3},  {4, 15, 1},
                             {5, 33, 2},  {7, 16, 4},  {8, 31, 1},  {9, 18, 2},  {13, 5, 3},
                             {16, 16, 1}, {32, 33, 2}, {47, 20, 3}, {9, 1200, 1}};

// What the reference gives for all of it; changes only when a definition changes.
struct Recorded {
  std::span<const DType> types;
  const char* digest;
};
const Recorded kRecorded[] = {
    {std::span(kTypes).first(kCodebooks),
     "98ee0f18e7c4512e69cd9b0e01f9f22a750a8e8c1828464dffc58ab490ccb467"},
    {std::span(kTypes).subspan(kCodebooks),
     "ec1882ace59dd413445234a3fdd4d9be0bcf4a05230368a4134210657bb01a92"},
};

class QuantizedTypes : public Quantized, public testing::WithParamInterface<Recorded> {};
INSTANTIATE_TEST_SUITE_P(All, QuantizedTypes, testing::ValuesIn(kRecorded),
                         [](const auto& p) { return p.index == 0 ? "Computed" : "Codebooks"; });

TEST_P(QuantizedTypes, EveryInstructionSetGivesTheBitsOfTheReference) {
  ThreadPool one(1), three(3);
  Sha256 digest;
  int comparisons = 0;
  for (const DType type : GetParam().types) {
    for (const Shape& shape : kShapes) {
      const int64_t in = std::max<int64_t>(32, dtype_traits(type)->block) * shape.blocks;
      for (const Inputs kind : {Inputs::ordinary, Inputs::special, Inputs::tiny}) {
        const bool bias = shape.n % 2 == 1;
        const std::vector<uint32_t> want =
            run(Isa::scalar, one, type, shape.n, shape.out, in, kind, bias);
        digest.update_array<uint32_t>(want);
        for (const Isa isa : available_isas()) {
          struct Extensions {
            ThreadPool* pool;
            bool dot, matrix;
          };
          for (const auto& [pool, dot, matrix] :
               {Extensions{&one, false, false}, {&one, true, false}, {&three, true, true}}) {
            if (dot && !matrix && !has_arm_i8mm()) continue;
            allow_int8_dot(dot);
            allow_int8_matrix(matrix);
            ++comparisons;
            ASSERT_EQ(want, run(isa, *pool, type, shape.n, shape.out, in, kind, bias))
                << dtype_traits(type)->name << " on " << isa_name(isa) << ", " << shape.n << " x "
                << shape.out << " x " << in << ", inputs " << static_cast<int>(kind) << ", "
                << pool->threads() << " threads, dot products: " << dot
                << ", of matrices: " << matrix;
          }
        }
      }
    }
  }
  const std::string hex = digest.hex();
  std::printf("%d comparisons, 0 differ%s%s; digest of the reference %s\n", comparisons,
              use_int8_matrix() ? ", with and without products of matrices" : "",
              use_int8_dot() ? ", with and without int8 dot products" : "", hex.c_str());
  EXPECT_EQ(hex, GetParam().digest);
}

// A weight may outlive the instruction set it was packed under.
TEST_F(Quantized, PackedUnderOneInstructionSetAndUsedUnderAnother) {
  ThreadPool pool(2);
  constexpr int64_t kIn = 512, kOut = 40, kRows = 17;
  const std::vector<float> x = draw_inputs(kRows * kIn, Inputs::ordinary);
  for (const DType type : kTypes) {
    const std::vector<uint32_t> want =
        run(Isa::scalar, pool, type, kRows, kOut, kIn, Inputs::ordinary, false);
    const std::vector<std::byte> blocks = draw_blocks(type, kOut * kIn);
    for (const Isa packed : available_isas()) {
      set_active_isa(packed);
      const QuantizedWeight w = QuantizedWeight::pack(pool, type, blocks.data(), kOut, kIn);
      for (const Isa used : available_isas()) {
        set_active_isa(used);
        std::vector<float> y(kRows * kOut);
        linear(pool, x.data(), w, nullptr, y.data(), kRows);
        ASSERT_EQ(want, bits_of(y)) << dtype_traits(type)->name << " packed under "
                                    << isa_name(packed) << ", used under " << isa_name(used);
      }
    }
  }
}

// A row's result does not depend on how many rows stand beside it.
TEST_F(Quantized, RowsDoNotSeeEachOther) {
  ThreadPool pool(2);
  constexpr int64_t kIn = 512, kOut = 40;
  for (const DType type : kTypes) {
    const std::vector<std::byte> blocks = draw_blocks(type, kOut * kIn);
    const QuantizedWeight w = QuantizedWeight::pack(pool, type, blocks.data(), kOut, kIn);
    const std::vector<float> x = draw_inputs(64 * kIn, Inputs::ordinary);
    std::vector<float> alone(64 * kOut);
    for (int64_t t = 0; t < 64; ++t)
      linear(pool, x.data() + t * kIn, w, nullptr, alone.data() + t * kOut, 1);
    for (int64_t n = 2; n <= 64; ++n) {
      std::vector<float> together(static_cast<size_t>(n * kOut));
      linear(pool, x.data(), w, nullptr, together.data(), n);
      alone.resize(together.size() > alone.size() ? together.size() : alone.size());
      const std::vector<float> first(alone.begin(), alone.begin() + n * kOut);
      ASSERT_EQ(bits_of(together), bits_of(first)) << dtype_traits(type)->name << ", " << n;
    }
  }
}

// Rounding x to 8 bits moves an element by half a step at most; float sums add a little.
TEST_F(Quantized, NearTheExactProduct) {
  ThreadPool pool(1);
  constexpr int64_t kIn = 1024, kOut = 64;
  for (const DType type : kTypes) {
    const bool float_scales = type == DType::tq1_0 || type == DType::tq2_0;
    const int64_t stretch = dtype_traits(type)->block == 256 && !float_scales ? 256 : 32;
    const std::vector<std::byte> blocks = draw_blocks(type, kOut * kIn);
    std::vector<float> w(kOut * kIn), y(kOut);
    dtype_traits(type)->to_f32(blocks.data(), w.data(), kOut * kIn);
    const std::vector<float> x = draw_inputs(kIn, Inputs::ordinary);
    const QuantizedWeight packed = QuantizedWeight::pack(pool, type, blocks.data(), kOut, kIn);
    linear(pool, x.data(), packed, nullptr, y.data(), 1);
    int compared = 0;
    for (int64_t o = 0; o < kOut; ++o) {
      double exact = 0, bound = 0;
      for (int64_t s = 0; s < kIn; s += stretch) {
        double m = 0;
        for (int64_t i = s; i < s + stretch; ++i) m = std::max<double>(m, std::fabs(x[i]));
        for (int64_t i = s; i < s + stretch; ++i) {
          const double value = w[o * kIn + i];
          exact += value * x[i];
          bound += std::fabs(value) * (m / 254 + std::fabs(x[i]) * 1e-6);
        }
      }
      if (!(std::fabs(exact) < 1e38)) continue;  // an infinite scale, or a sum beyond float
      ++compared;
      // Offsets and scaled codes may be large where their sum is small: hence the second term.
      ASSERT_LE(std::fabs(y[o] - exact), bound * 1.05 + std::fabs(exact) * 1e-3)
          << dtype_traits(type)->name << " output " << o;
    }
    EXPECT_GT(compared, 0) << dtype_traits(type)->name;
  }
}

TEST_F(Quantized, PackedWeightsAreAboutAsLargeAsStoredOnes) {
  ThreadPool pool(1);
  if (active_isa() == Isa::scalar) GTEST_SKIP() << "the scalar reference does not pack";
  for (const DType type : kTypes) {
    const std::vector<std::byte> blocks = draw_blocks(type, 64 * 1024);
    const QuantizedWeight w = QuantizedWeight::pack(pool, type, blocks.data(), 64, 1024);
    const double ratio = static_cast<double>(w.bytes()) / static_cast<double>(blocks.size());
    std::printf("%-7s %.2f bits stored, %.2f packed\n", dtype_traits(type)->name.data(),
                static_cast<double>(blocks.size()) * 8 / (64 * 1024),
                static_cast<double>(w.bytes()) * 8 / (64 * 1024));
    // The choices of a codebook are unfolded to 3 or 4 bits.
    const bool codebook = std::ranges::count(std::span(kTypes).subspan(kCodebooks), type) > 0;
    EXPECT_LT(ratio, codebook               ? 2.2
                     : type == DType::tq1_0 ? 1.4
                                            : 1.15)
        << dtype_traits(type)->name;
  }
}

TEST_F(Quantized, OtherTypesAreRefused) {
  ThreadPool pool(1);
  EXPECT_FALSE(QuantizedWeight::supports(DType::f32));
  EXPECT_TRUE(QuantizedWeight::supports(DType::q4_k));
  const std::vector<std::byte> bytes(4096);
  EXPECT_THROW(QuantizedWeight::pack(pool, DType::f32, bytes.data(), 1, 32), Error);
  EXPECT_THROW(QuantizedWeight::pack(pool, DType::q4_k, bytes.data(), 1, 32), Error);
}

}  // namespace
}  // namespace avocado::kernels
