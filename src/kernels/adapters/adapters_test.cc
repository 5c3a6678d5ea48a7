#include "kernels/adapters/adapters.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/philox.h"
#include "kernels/isa.h"
#include "kernels/linear/stored.h"

namespace avocado::kernels {
namespace {

std::vector<float> numbers(size_t count, uint32_t stream) {
  const Random random(3, Purpose::test, stream);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = 2 * random.uniform(i) - 1;
  return values;
}

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b, const char* what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(a[i]), std::bit_cast<uint32_t>(b[i])) << what << " " << i;
}

TEST(Adapters, AddScaledIsOneFma) {
  ThreadPool one(1), three(3);
  const size_t count = 40001;
  const std::vector<float> x = numbers(count, 1), z = numbers(count, 2);
  std::vector<float> y(count), in_place = x, expected(count);
  for (size_t i = 0; i < count; ++i) expected[i] = std::fma(0.3f, z[i], x[i]);
  add_scaled(one, x.data(), z.data(), 0.3, y.data(), count);
  expect_same_bits(y, expected, "one thread");
  add_scaled(three, static_cast<const float*>(in_place.data()), z.data(), 0.3, in_place.data(),
             count);
  expect_same_bits(in_place, expected, "three threads, in place");
}

TEST(Adapters, DoraForwardAndBackward) {
  constexpr int64_t kRows = 37, kCols = 131;
  const std::vector<float> x = numbers(kRows * kCols, 1), z = numbers(kRows * kCols, 2),
                           dy = numbers(kRows * kCols, 3), magnitude = numbers(kCols, 4),
                           bias = numbers(kCols, 5);
  std::vector<float> norms = numbers(kCols, 6);
  for (float& norm : norms) norm = 0.5f + std::abs(norm);
  const DoraWeights<float> w{magnitude.data(), norms.data(), bias.data(), 0.7};
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::vector<float> y(x.size()), dx(x.size()), dz(x.size()), dm(kCols, 0.25f);
    dora(pool, x.data(), z.data(), w, y.data(), kRows, kCols);
    dora_backward(pool, x.data(), z.data(), w, dy.data(), {dx.data(), dz.data(), dm.data()}, kRows,
                  kCols);
    std::vector<float> expected_dm(kCols, 0.25f);
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t c = 0; c < kCols; ++c) {
        const auto i = static_cast<size_t>(r * kCols + c), o = static_cast<size_t>(c);
        const float t = std::fma(0.7f, z[i], x[i]), factor = magnitude[o] / norms[o];
        ASSERT_EQ(y[i], factor * t + bias[o]);
        ASSERT_EQ(dx[i], factor * dy[i]);
        ASSERT_EQ(dz[i], 0.7f * (factor * dy[i]));
        expected_dm[o] = std::fma(dy[i], t / norms[o], expected_dm[o]);
      }
    expect_same_bits(dm, expected_dm, "dmagnitude");
    // dx over dy, and what is not wanted left out.
    std::vector<float> over = dy;
    dora_backward(pool, x.data(), z.data(), w, static_cast<const float*>(over.data()),
                  {over.data(), nullptr, nullptr}, kRows, kCols);
    expect_same_bits(over, dx, "dx over dy");
  }
}

// Tiles of decoded rows give the bits of the whole decoded matrix, whatever the instruction set.
TEST(StoredBackward, EqualsTheDecodedMatrix) {
  const Isa usual = active_isa();
  struct Case {
    DType type;
    int64_t out, in;
  };
  for (const Case& c : {Case{DType::q4_k, 515, 256}, Case{DType::q8_0, 257, 96},
                        Case{DType::f16, 300, 41}, Case{DType::bf16, 7, 5}}) {
    const DTypeTraits& traits = *dtype_traits(c.type);
    std::vector<std::byte> bytes(*dtype_bytes(c.type, c.out * c.in));
    const Random random(5, Purpose::test);
    for (size_t i = 0; i < bytes.size(); ++i)
      // No exponent of all ones among the 16-bit floats.
      bytes[i] = static_cast<std::byte>(random.u32(i) & 0xbb);
    const TensorView view{
        .name = "w", .type = c.type, .shape = {c.out, c.in}, .data = std::span(bytes)};
    std::vector<float> decoded(static_cast<size_t>(c.out * c.in));
    traits.to_f32(bytes.data(), decoded.data(), c.out * c.in);
    for (const Isa isa : available_isas()) {
      set_active_isa(isa);
      for (const int64_t n : {1, 33})
        for (const bool add : {false, true})
          for (const int threads : {1, 3}) {
            ThreadPool pool(threads);
            const std::vector<float> dy = numbers(static_cast<size_t>(n * c.out), 7);
            std::vector<float> expected = numbers(static_cast<size_t>(n * c.in), 8);
            std::vector<float> dx = expected;
            linear_backward_input(pool, dy.data(), static_cast<const float*>(decoded.data()),
                                  expected.data(), n, c.out, c.in, add);
            linear_backward_input(pool, dy.data(), view, dx.data(), n, add);
            expect_same_bits(dx, expected, isa_name(isa));
          }
    }
  }
  set_active_isa(usual);
}

}  // namespace
}  // namespace avocado::kernels
