// Each operation's reference backward against central differences in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <vector>

#include "base/philox.h"
#include "kernels/add/add.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/embed/embed.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/swiglu/swiglu.h"

namespace avocado::kernels {
namespace {

using Values = std::vector<double>;

// Five-point differences at this step err by about 1e-12 relative: step^4 and rounding / step meet.
constexpr double kStep = 2e-3;
constexpr double kLimit = 1e-8;

Values random_values(size_t count, uint32_t stream) {
  const Random random(7, Purpose::test, stream);
  Values values(count);
  for (size_t i = 0; i < count; ++i) values[i] = 3.0 * random.uniform64(i) - 1.5;
  return values;
}

double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Compares `gradient` of the scalar function `f` at `x` with differences; the error is relative to
// the largest entry of the gradient.
void check(const char* name, Values x, const Values& gradient,
           const std::function<double(const Values&)>& f) {
  double scale = 0, worst = 0;
  for (double g : gradient) scale = std::max(scale, std::fabs(g));
  ASSERT_GT(scale, 0) << name;
  for (size_t i = 0; i < x.size(); ++i) {
    const double old = x[i];
    const auto at = [&](double offset) {
      x[i] = old + offset;
      return f(x);
    };
    const double slope =
        (8 * (at(kStep) - at(-kStep)) - (at(2 * kStep) - at(-2 * kStep))) / (12 * kStep);
    x[i] = old;
    worst = std::max(worst, std::fabs(slope - gradient[i]) / scale);
  }
  std::printf("%-24s largest relative error %.1e\n", name, worst);
  EXPECT_LT(worst, kLimit) << name;
}

class Gradient : public testing::Test {
 protected:
  ThreadPool pool{1};
};

TEST_F(Gradient, RmsNorm) {
  constexpr int64_t kRows = 5, kCols = 37;
  constexpr double kEps = 1e-3;
  const Values x = random_values(kRows * kCols, 1), w = random_values(kCols, 2),
               dy = random_values(kRows * kCols, 3);
  const auto loss = [&](const Values& xs, const Values& ws) {
    Values y(xs.size());
    rms_norm<double>(pool, xs.data(), ws.data(), y.data(), nullptr, kRows, kCols, kEps);
    return dot(y, dy);
  };
  Values y(x.size()), inv(kRows), dx(x.size()), dw(kCols, 0.0);
  rms_norm<double>(pool, x.data(), w.data(), y.data(), inv.data(), kRows, kCols, kEps);
  rms_norm_backward<double>(pool, x.data(), w.data(), inv.data(), dy.data(), dx.data(), dw.data(),
                            kRows, kCols, false);
  check("rms_norm dx", x, dx, [&](const Values& xs) { return loss(xs, w); });
  check("rms_norm dw", w, dw, [&](const Values& ws) { return loss(x, ws); });
}

TEST_F(Gradient, Swiglu) {
  constexpr int64_t kCount = 101;
  const Values gate = random_values(kCount, 1), up = random_values(kCount, 2),
               dy = random_values(kCount, 3);
  const auto loss = [&](const Values& g, const Values& u) {
    Values y(kCount);
    swiglu<double>(pool, g.data(), u.data(), y.data(), kCount);
    return dot(y, dy);
  };
  Values dgate(kCount), dup(kCount);
  swiglu_backward<double>(pool, gate.data(), up.data(), dy.data(), dgate.data(), dup.data(),
                          kCount);
  check("swiglu dgate", gate, dgate, [&](const Values& g) { return loss(g, up); });
  check("swiglu dup", up, dup, [&](const Values& u) { return loss(gate, u); });
}

TEST_F(Gradient, CrossEntropy) {
  constexpr int64_t kRows = 6, kCols = 41;
  constexpr double kScale = 0.25;
  const Values logits = random_values(kRows * kCols, 1);
  const std::vector<int32_t> targets = {0, 40, -1, 7, 16, 3};
  const auto losses = [&](const Values& x, double* dx) {
    Values loss(kRows);
    cross_entropy<double>(pool, x.data(), targets.data(), loss.data(), dx, kRows, kCols, kScale);
    double sum = 0;
    for (double l : loss) sum += l;
    return sum * kScale;
  };
  Values dlogits(logits.size());
  losses(logits, dlogits.data());
  check("cross_entropy dlogits", logits, dlogits,
        [&](const Values& x) { return losses(x, nullptr); });

  // With a scale of its own for each row.
  const Values scales = {0.5, -2.0, 7.0, 0.25, -0.1, 3.0};
  const auto weighted = [&](const Values& x, double* dx) {
    Values loss(kRows);
    cross_entropy<double>(pool, x.data(), targets.data(), loss.data(), dx, kRows, kCols, kScale,
                          scales.data());
    return dot(loss, scales) * kScale;
  };
  weighted(logits, dlogits.data());
  check("cross_entropy row scales", logits, dlogits,
        [&](const Values& x) { return weighted(x, nullptr); });
}

TEST_F(Gradient, Rope) {
  constexpr int64_t kRows = 4, kHeads = 2, kHeadDim = 14, kRopeDim = 10;
  const std::vector<int32_t> positions = {0, 3, 500, 100000};
  Values frequencies, cos_sin(kRows * kRopeDim);
  for (int64_t i = 0; i < kRopeDim / 2; ++i) frequencies.push_back(std::pow(10000.0, -0.2 * i));
  rope_angles<double>(pool, positions.data(), frequencies.data(), cos_sin.data(), kRows,
                      kRopeDim / 2, 1.25);
  const Values x = random_values(kRows * kHeads * kHeadDim, 1), dy = random_values(x.size(), 2);
  for (RopeStyle style : {RopeStyle::pairs, RopeStyle::halves}) {
    const auto turn = [&](const Values& from, bool inverse) {
      Values to(from.size());
      rope<double>(pool, from.data(), cos_sin.data(), to.data(), kRows, kHeads, kHeadDim, kRopeDim,
                   style, inverse);
      return to;
    };
    check(style == RopeStyle::pairs ? "rope pairs" : "rope halves", x, turn(dy, true),
          [&](const Values& xs) { return dot(turn(xs, false), dy); });
  }
}

TEST_F(Gradient, Embed) {
  constexpr int64_t kVocab = 9, kWidth = 5;
  const std::vector<int32_t> ids = {3, 8, 3, 0, 3, 1};
  const auto n = static_cast<int64_t>(ids.size());
  const Values table = random_values(kVocab * kWidth, 1),
               dy = random_values(ids.size() * kWidth, 2);
  Values dtable(table.size(), 0.0);
  embed_backward<double>(pool, ids.data(), dy.data(), dtable.data(), n, kWidth);
  check("embed dtable", table, dtable, [&](const Values& t) {
    Values y(dy.size());
    embed<double>(pool, ids.data(), t.data(), y.data(), n, kWidth);
    return dot(y, dy);
  });
}

}  // namespace
}  // namespace avocado::kernels
