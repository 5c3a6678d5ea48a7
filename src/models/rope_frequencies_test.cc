// Figures from the formulas of the papers and of the transformers library, worked out apart from
// this program with 40 digits.

#include "models/rope_frequencies.h"

#include <gtest/gtest.h>

#include <utility>

namespace avocado {
namespace {

using Expected = std::vector<std::pair<size_t, double>>;

void expect_frequencies(const ModelConfig& config, const Expected& expected) {
  const std::vector<double> f = rope_frequencies(config);
  ASSERT_EQ(f.size(), static_cast<size_t>(config.rope_dim / 2));
  for (const auto& [pair, value] : expected) EXPECT_NEAR(f[pair] / value, 1, 1e-13) << pair;
}

ModelConfig yarn_config() {
  ModelConfig config;
  config.rope_dim = 64;
  config.rope_base = 500000;
  config.rope_scaling = RopeScaling::yarn;
  config.rope_factor = 8;
  config.rope_original_context = 4096;
  return config;
}

TEST(RopeFrequencies, YarnKeepsFastPairsAndStretchesSlowOnes) {
  const ModelConfig config = yarn_config();
  expect_frequencies(config, {{0, 1.0},
                              {7, 0.056669621445291044},
                              {8, 0.033949889034807716},
                              {12, 0.0037476193788476804},
                              {15, 0.0004735821193137702},
                              {16, 0.00017677669529663688},
                              {31, 3.7673226901739635e-07}});
  EXPECT_NEAR(rope_magnitude(config), 1.2079441541679836, 1e-15);
}

TEST(RopeFrequencies, YarnKeepsAsMuchAsItsExtrapolationSays) {
  ModelConfig config = yarn_config();
  config.rope_extrapolation = 0.5;
  expect_frequencies(config, {{0, 0.5625},
                              {7, 0.031876662062976214},
                              {12, 0.0023296012354999098},
                              {16, 0.00017677669529663688},
                              {31, 3.7673226901739639e-7}});
  EXPECT_NEAR(rope_magnitude(config), 1.2079441541679836, 1e-15);
  // Nothing kept is linear scaling.
  config.rope_extrapolation = 0;
  config.rope_attention = 1.5;
  ModelConfig linear = config;
  linear.rope_scaling = RopeScaling::linear;
  EXPECT_EQ(rope_frequencies(config), rope_frequencies(linear));
  EXPECT_EQ(rope_magnitude(config), 1.5);
}

TEST(RopeFrequencies, DynamicGrowsTheBaseWithTheContextAskedFor) {
  ModelConfig config;
  config.rope_dim = 64;
  config.rope_base = 10000;
  config.rope_scaling = RopeScaling::dynamic;
  config.rope_factor = 2;
  config.rope_original_context = config.context = 4096;
  config.rope_asked_context = 10000;
  expect_frequencies(config, {{0, 1.0},
                              {1, 0.71778648489792111},
                              {7, 0.098167320644456648},
                              {16, 0.0049650591744353711},
                              {31, 3.4344213947063476e-5}});
  config.rope_asked_context = 8192;
  expect_frequencies(config, {{1, 0.72378402239425587}, {31, 4.4450714405444134e-5}});
  EXPECT_EQ(rope_magnitude(config), 1);
  // Up to the original context, and when nothing is asked, it is the model as it was trained.
  ModelConfig plain = config;
  plain.rope_scaling = RopeScaling::none;
  for (const int64_t asked : {0, 1, 4096}) {
    config.rope_asked_context = asked;
    EXPECT_EQ(rope_frequencies(config), rope_frequencies(plain)) << asked;
  }
}

TEST(RopeFrequencies, LongropeTakesTheLongFactorsBeyondTheOriginalContext) {
  ModelConfig config;
  config.rope_dim = 8;
  config.rope_base = 10000;
  config.rope_scaling = RopeScaling::longrope;
  config.rope_short = {1.0f, 1.0f, 1.125f, 1.25f};
  config.rope_long = {1.0f, 1.5f, 4.0f, 32.25f};
  config.rope_original_context = 4096;
  config.context = 131072;
  config.rope_attention = 1.25;
  const Expected of_long = {
      {0, 1.0}, {1, 0.066666666666666667}, {2, 0.0025}, {3, 3.1007751937984496e-5}};
  const Expected of_short = {{0, 1.0}, {1, 0.1}, {2, 0.0088888888888888889}, {3, 0.0008}};
  expect_frequencies(config, of_long);  // by default the model's context
  config.rope_asked_context = 4097;
  expect_frequencies(config, of_long);
  config.rope_asked_context = 4096;
  expect_frequencies(config, of_short);
  EXPECT_EQ(rope_magnitude(config), 1.25);
}

}  // namespace
}  // namespace avocado
