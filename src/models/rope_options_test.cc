#include "models/rope_options.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "expect_error.h"
#include "models/registry.h"

namespace avocado {
namespace {

// A model made for 256 positions, without scaling.
ModelConfig plain() {
  ModelConfig config = architectures().front()->tiny();
  config.context = 256;
  config.rope_divisors.clear();
  return config;
}

ModelConfig with(const RopeOptions& options, ModelConfig config = plain()) {
  apply(options, config, "model");
  return config;
}

TEST(RopeOptions, NoWishesChangeNothing) {
  EXPECT_EQ(with({}), plain());
  ModelConfig asked = plain();
  asked.rope_asked_context = 100;
  EXPECT_EQ(with({.context = 100}), asked);
  // Longer than the model was made for: the engine refuses it.
  EXPECT_EQ(with({.context = 1000}).context, 256);
}

TEST(RopeOptions, AFactorAloneIsLinear) {
  const ModelConfig c = with({.factor = 4});
  EXPECT_EQ(c.rope_scaling, RopeScaling::linear);
  EXPECT_EQ(c.rope_factor, 4);
  EXPECT_EQ(c.context, 1024);
  EXPECT_EQ(with({.context = 600, .factor = 4}).context, 600);
}

TEST(RopeOptions, LinearAndYarnMakeTheContextLonger) {
  const ModelConfig yarn = with({.scaling = RopeScaling::yarn,
                                 .factor = 8,
                                 .original_context = 64,
                                 .extrapolation = 0.5,
                                 .attention = 1.25,
                                 .beta_slow = 2,
                                 .beta_fast = 16});
  EXPECT_EQ(yarn.rope_scaling, RopeScaling::yarn);
  EXPECT_EQ(yarn.rope_original_context, 64);
  EXPECT_EQ(yarn.context, 512);
  EXPECT_EQ(yarn.rope_extrapolation, 0.5);
  EXPECT_EQ(yarn.rope_attention, 1.25);
  EXPECT_EQ(yarn.rope_beta_slow, 2);
  EXPECT_EQ(yarn.rope_beta_fast, 16);
  // The same again is the same: the original context stays.
  const ModelConfig again = with({.scaling = RopeScaling::yarn, .factor = 8}, yarn);
  EXPECT_EQ(again, yarn);
  const ModelConfig linear = with({.factor = 4});
  EXPECT_EQ(with({.factor = 8}, linear).context, 2048);
}

TEST(RopeOptions, AnotherBaseKeepsTheContextUnlessAskedForMore) {
  EXPECT_EQ(with({.base = 40000}).context, 256);
  const ModelConfig c = with({.context = 900, .base = 40000});
  EXPECT_EQ(c.rope_base, 40000);
  EXPECT_EQ(c.context, 900);
  EXPECT_EQ(c.rope_asked_context, 900);
}

TEST(RopeOptions, NoneTakesScalingAway) {
  const ModelConfig yarn = with({.scaling = RopeScaling::yarn, .factor = 8, .attention = 1.25});
  const ModelConfig c = with({.scaling = RopeScaling::none}, yarn);
  EXPECT_EQ(c.rope_scaling, RopeScaling::none);
  EXPECT_EQ(c.rope_factor, 1);
  EXPECT_EQ(c.rope_attention, 1);
}

TEST(RopeOptions, DynamicCanBeAskedForMoreThanTheModelsContext) {
  ModelConfig model = plain();
  model.rope_scaling = RopeScaling::dynamic;
  model.rope_factor = 2;
  model.rope_original_context = 256;
  EXPECT_EQ(with({}, model).context, 256);
  EXPECT_EQ(with({.context = 300}, model).context, 300);
  EXPECT_EQ(with({.context = 1000}, model).context, 512);  // the engine refuses 1000
  const ModelConfig by_wish = with({.context = 700, .scaling = RopeScaling::dynamic, .factor = 2});
  EXPECT_EQ(by_wish.context, 700);
  EXPECT_EQ(by_wish.rope_original_context, 256);
}

// From config.json Llama 3.1 comes with the numbers of its divisors, from GGUF without.
TEST(RopeOptions, DivisorsOfLlama3StayAndItsNumbersAreNotTaken) {
  ModelConfig gguf = plain();
  gguf.rope_divisors = {1.0f, 1.0f, 2.5f, 8.0f};
  ModelConfig hf = gguf;
  hf.rope_scaling = RopeScaling::llama3;
  hf.rope_factor = 8;
  hf.rope_original_context = 64;
  for (const RopeOptions& options :
       {RopeOptions{.base = 20000}, RopeOptions{.scaling = RopeScaling::none},
        RopeOptions{.factor = 2}, RopeOptions{.scaling = RopeScaling::yarn, .factor = 4}})
    EXPECT_EQ(with(options, hf), with(options, gguf));
  EXPECT_EQ(with({.factor = 2}, hf).rope_divisors, gguf.rope_divisors);
}

TEST(RopeOptions, ContradictionsAreRefused) {
  EXPECT_AVOCADO_ERROR(with({.scaling = RopeScaling::yarn}), ErrorKind::usage, "needs a factor");
  EXPECT_AVOCADO_ERROR(with({.attention = 1.5}), ErrorKind::usage, "numbers of YaRN");
  EXPECT_AVOCADO_ERROR(with({.scaling = RopeScaling::longrope}), ErrorKind::usage, "longrope");
  EXPECT_AVOCADO_ERROR(with({.original_context = 64}), ErrorKind::usage, "original context");
  EXPECT_AVOCADO_ERROR(with({.base = 0.5}), ErrorKind::input, "rotary base");
  ModelConfig longrope = plain();
  longrope.rope_scaling = RopeScaling::longrope;
  longrope.rope_original_context = 64;
  longrope.rope_short = longrope.rope_long = {1, 1, 1, 1};
  EXPECT_AVOCADO_ERROR(with({.factor = 2}, longrope), ErrorKind::usage, "longrope");
  const ModelConfig yarn = with({.scaling = RopeScaling::yarn, .factor = 2}, longrope);
  EXPECT_TRUE(yarn.rope_long.empty());
  EXPECT_EQ(yarn.context, 256);  // 2 * 64 is less
}

}  // namespace
}  // namespace avocado
