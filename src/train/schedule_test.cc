#include "train/schedule.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace avocado {
namespace {

TrainOptions options_of(const char* schedule) {
  TrainOptions options;
  options.steps = 110;
  options.warmup = 10;
  options.lr = 1;
  options.min_lr = 0.1;
  options.schedule = schedule;
  return options;
}

TEST(Schedule, WarmUpThenCosine) {
  TrainOptions options = options_of("cosine");
  EXPECT_DOUBLE_EQ(learning_rate(options, 0), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(options, 9), 1);
  EXPECT_NEAR(learning_rate(options, 59), 0.55, 1e-12);
  EXPECT_NEAR(learning_rate(options, 109), 0.1, 1e-12);
  options.warmup = options.steps;
  EXPECT_DOUBLE_EQ(learning_rate(options, 109), 1);
}

TEST(Schedule, Linear) {
  const TrainOptions options = options_of("linear");
  EXPECT_DOUBLE_EQ(learning_rate(options, 4), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(options, 9), 1);
  EXPECT_NEAR(learning_rate(options, 34), 0.775, 1e-12);  // a quarter of the way
  EXPECT_NEAR(learning_rate(options, 59), 0.55, 1e-12);
  EXPECT_NEAR(learning_rate(options, 109), 0.1, 1e-12);
}

TEST(Schedule, Constant) {
  const TrainOptions options = options_of("constant");
  EXPECT_DOUBLE_EQ(learning_rate(options, 1), 0.2);
  for (int64_t step : {9, 10, 60, 109}) EXPECT_EQ(learning_rate(options, step), 1);
}

TEST(Schedule, StableThenDecay) {
  TrainOptions options = options_of("wsd");
  options.decay_steps = 25;
  const auto at = [&](const char* shape, int64_t step) {
    options.decay_shape = shape;
    return learning_rate(options, step);
  };
  for (const char* shape : {"linear", "cosine", "sqrt"}) {
    EXPECT_DOUBLE_EQ(at(shape, 4), 0.5) << shape;
    EXPECT_EQ(at(shape, 10), 1) << shape;
    EXPECT_EQ(at(shape, 84), 1) << shape;
    EXPECT_LT(at(shape, 85), 1) << shape;
    EXPECT_NEAR(at(shape, 109), 0.1, 1e-12) << shape;
  }
  // Steps 85 to 109 are 1/25 to 25/25 of the way.
  EXPECT_NEAR(at("linear", 88), 0.1 + 0.9 * 21 / 25, 1e-12);
  EXPECT_NEAR(at("sqrt", 88), 0.1 + 0.9 * (1 - 2.0 / 5), 1e-12);
  EXPECT_NEAR(at("cosine", 88), 0.1 + 0.45 * (1 + 0.87630668004386358), 1e-12);  // cos(4 pi / 25)
  options.decay_steps = 0;
  EXPECT_EQ(at("linear", 109), 1);
}

TEST(Schedule, UnknownNamesAndRangesAreErrors) {
  const auto refused = [](const TrainOptions& options) {
    try {
      check_schedule(options, [](const char* field) { return std::string(field); });
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  TrainOptions options = options_of("wsd");
  EXPECT_EQ(refused(options), "");
  options.decay_steps = 101;
  EXPECT_NE(refused(options).find("decay_steps = 101; it must be from 0 to 100"),
            std::string::npos);
  options.decay_steps = 5;
  options.decay_shape = "step";
  EXPECT_NE(refused(options).find("\"linear\", \"cosine\", \"sqrt\""), std::string::npos);
  EXPECT_NE(refused(options_of("cosinus")).find("\"cosine\", \"linear\", \"wsd\", \"constant\""),
            std::string::npos);
}

TEST(Schedule, BiasCorrection) {
  EXPECT_NEAR(bias_correction(0.9, 1), 10, 1e-12);
  EXPECT_NEAR(bias_correction(0.9, 2), 1 / 0.19, 1e-12);
  EXPECT_EQ(bias_correction(0, 3), 1);
}

}  // namespace
}  // namespace avocado
