#include "kernels/hadamard/hadamard.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/philox.h"

namespace avocado::kernels {
namespace {

std::vector<float> numbers(int64_t count) {
  const Random random(3, Purpose::test);
  std::vector<float> v(static_cast<size_t>(count));
  for (size_t i = 0; i < v.size(); ++i) v[i] = 2 * random.uniform(i) - 1;
  return v;
}

// Against the matrix itself, in double.
TEST(Hadamard, IsTheProductWithTheMatrix) {
  ThreadPool pool(2);
  constexpr int64_t kRows = 3;
  for (const auto& [dim, n] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {5, 1}, {6, 2}, {16, 16}, {32, 32}, {64, 64}, {80, 16}, {96, 32}, {128, 128}}) {
    const std::vector<float> x = numbers(kRows * dim);
    std::vector<float> y(x.size());
    hadamard(pool, x.data(), y.data(), kRows, dim);
    for (int64_t begin = 0; begin < kRows * dim; begin += n) {
      for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < n; ++j) {
          const bool negative = std::popcount(static_cast<uint64_t>(i & j)) % 2 == 1;
          sum += (negative ? -1.0 : 1.0) * static_cast<double>(x[begin + j]);
        }
        EXPECT_NEAR(y[begin + i], sum / std::sqrt(static_cast<double>(n)), 1e-6)
            << "dim " << dim << " element " << begin + i;
      }
    }
  }
}

TEST(Hadamard, IsItsOwnInverse) {
  ThreadPool pool(1);
  const std::vector<float> x = numbers(5 * 128);
  std::vector<float> y = x;
  hadamard(pool, y.data(), y.data(), 5, 128);
  EXPECT_GT(std::fabs(y[1] - x[1]), 1e-3);
  hadamard(pool, y.data(), y.data(), 5, 128);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 1e-6);
}

}  // namespace
}  // namespace avocado::kernels
