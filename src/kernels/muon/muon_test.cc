#include "kernels/muon/muon.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/philox.h"
#include "kernels/isa.h"

namespace avocado::kernels {
namespace {

std::vector<float> numbers(int64_t count, uint32_t stream) {
  const Random random(22, Purpose::test, stream);
  std::vector<float> x;
  for (int64_t i = 0; i < count; ++i)
    x.push_back(1e-3f * (random.uniform(static_cast<uint64_t>(i)) - 0.5f));
  return x;
}

std::vector<float> orthogonal(std::vector<float> x, int64_t rows, int64_t cols, int threads = 1) {
  ThreadPool pool(threads);
  Buffer<float> scratch;
  orthogonalise(pool, x.data(), rows, cols, scratch);
  return x;
}

// How much X stretches random vectors of its smaller side: a mean over its singular values that
// each vector weighs in its own way.
TEST(Muon, SingularValuesComeNearOne) {
  for (const auto& [rows, cols] :
       std::vector<std::pair<int64_t, int64_t>>{{16, 16}, {40, 100}, {100, 40}, {1, 30}, {30, 1}}) {
    const std::vector<float> x = orthogonal(numbers(rows * cols, 1), rows, cols);
    const bool wide = rows <= cols;
    const int64_t side = wide ? rows : cols, other = wide ? cols : rows;
    const Random random(23, Purpose::test);
    double least = 1e30, most = 0;
    for (uint64_t trial = 0; trial < 20; ++trial) {
      std::vector<double> u, image(static_cast<size_t>(other));
      double length = 0;
      for (int64_t i = 0; i < side; ++i) {
        u.push_back(random.uniform64(trial * 1000 + static_cast<uint64_t>(i)) - 0.5);
        length += u.back() * u.back();
        for (int64_t j = 0; j < other; ++j)
          image[j] += u.back() * static_cast<double>(wide ? x[i * cols + j] : x[j * cols + i]);
      }
      double stretched = 0;
      for (double value : image) stretched += value * value;
      least = std::min(least, std::sqrt(stretched / length));
      most = std::max(most, std::sqrt(stretched / length));
    }
    std::printf("%lld x %lld: stretches by %.3f to %.3f\n", static_cast<long long>(rows),
                static_cast<long long>(cols), least, most);
    EXPECT_GT(least, 0.5);
    EXPECT_LT(most, 1.3);
  }
}

TEST(Muon, ThreadsAndInstructionSetsDoNotChangeABit) {
  const Isa usual = active_isa();
  for (const auto& [rows, cols] :
       std::vector<std::pair<int64_t, int64_t>>{{33, 70}, {129, 47}, {1, 9}}) {
    const std::vector<float> start = numbers(rows * cols, 2);
    set_active_isa(Isa::scalar);
    const std::vector<float> want = orthogonal(start, rows, cols);
    for (Isa isa : available_isas()) {
      set_active_isa(isa);
      for (int threads : {1, 3})
        EXPECT_EQ(0, std::memcmp(want.data(), orthogonal(start, rows, cols, threads).data(),
                                 want.size() * sizeof(float)))
            << rows << " x " << cols << " on " << isa_name(isa);
    }
  }
  set_active_isa(usual);
}

TEST(Muon, NothingStaysNothing) {
  EXPECT_EQ(orthogonal(std::vector<float>(12, 0.0f), 3, 4), std::vector<float>(12, 0.0f));
}

TEST(Muon, DirectionByHand) {
  float m[2] = {1, -2}, x[2];
  const float grad[2] = {4, 8};
  muon_direction(x, grad, m, 2, {.momentum = 0.5f, .grad_scale = 0.25f, .nesterov = false});
  EXPECT_EQ(m[0], 1.5f);
  EXPECT_EQ(m[1], 1.0f);
  EXPECT_EQ(x[0], 1.5f);
  muon_direction(x, grad, m, 2, {.momentum = 0.5f, .grad_scale = 0.25f, .nesterov = true});
  EXPECT_EQ(m[0], 1.75f);
  EXPECT_EQ(x[0], 1.875f);
  EXPECT_EQ(x[1], 3.25f);
}

}  // namespace
}  // namespace avocado::kernels
