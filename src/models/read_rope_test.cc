// What config.json and GGUF files say about rotary positions.

#include "models/read_rope.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "files/atomic_file.h"
#include "models/model.h"
#include "models/registry.h"
#include "temp_folder.h"

namespace avocado {
namespace {

using nlohmann::json;

class ReadRopeTest : public testing::Test {
 protected:
  // A llama of 4 heads of 8 elements and a context of 128, with these fields in addition.
  ModelConfig read(const json& fields) {
    json config = {
        {"model_type", "llama"},   {"vocab_size", 80},         {"hidden_size", 32},
        {"num_hidden_layers", 2},  {"num_attention_heads", 4}, {"num_key_value_heads", 2},
        {"intermediate_size", 64}, {"rms_norm_eps", 1e-5},     {"max_position_embeddings", 128}};
    config.update(fields);
    const std::string path = folder_.path() / "config.json";
    write_file_atomically(path, config.dump());
    return config_from_hf(path);
  }
  ModelConfig scaling(const json& fields) { return read({{"rope_scaling", fields}}); }

  test::TempFolder folder_;
};

const json kLongrope = {{"type", "longrope"},
                        {"short_factor", {1, 1.0, 1.125, 1.25}},
                        {"long_factor", {1, 1.5, 4, 32.25}}};

json longrope(const json& fields) {
  json scaling = kLongrope;
  scaling.update(fields);
  return scaling;
}

TEST_F(ReadRopeTest, DynamicTakesTheModelsContextForTheOriginalOne) {
  ModelConfig c = scaling({{"type", "dynamic"}, {"factor", 2.0}});
  EXPECT_EQ(c.rope_scaling, RopeScaling::dynamic);
  EXPECT_EQ(c.rope_factor, 2);
  EXPECT_EQ(c.rope_original_context, 128);
  c = scaling(
      {{"rope_type", "dynamic"}, {"factor", 4.0}, {"original_max_position_embeddings", 64}});
  EXPECT_EQ(c.rope_original_context, 64);
  EXPECT_AVOCADO_ERROR(scaling({{"type", "dynamic"}}), ErrorKind::input, "factor");
  EXPECT_AVOCADO_ERROR(scaling({{"type", "dynamic"}, {"factor", 0.5}}), ErrorKind::input,
                       "scaling factor");
}

// Attention factors from sqrt(1 + ln(longer) / ln(original)), worked out apart from this program.
TEST_F(ReadRopeTest, LongropeReadsItsListsAndItsAttentionFactor) {
  for (const char* name : {"longrope", "su"}) {
    const ModelConfig c = read({{"rope_scaling", longrope({{"type", name}})},
                                {"max_position_embeddings", 131072},
                                {"original_max_position_embeddings", 4096}});
    EXPECT_EQ(c.rope_scaling, RopeScaling::longrope);
    EXPECT_EQ(c.rope_short, (std::vector<float>{1, 1, 1.125f, 1.25f}));
    EXPECT_EQ(c.rope_long, (std::vector<float>{1, 1.5f, 4, 32.25f}));
    EXPECT_EQ(c.rope_original_context, 4096);
    EXPECT_EQ(c.rope_attention, static_cast<double>(1.1902380714238083f));
  }
  // Inside of rope_scaling; by the factor alone; not longer; told.
  EXPECT_EQ(
      scaling(longrope({{"original_max_position_embeddings", 64}, {"factor", 99}})).rope_attention,
      static_cast<double>(1.0801234497346434f));
  EXPECT_EQ(scaling(longrope({{"factor", 2.0}})).rope_attention,
            static_cast<double>(1.0690449676496976f));
  EXPECT_EQ(scaling(kLongrope).rope_attention, 1);
  EXPECT_EQ(scaling(longrope({{"attention_factor", 1.5}})).rope_attention, 1.5);
}

TEST_F(ReadRopeTest, LongropeRefusesWrongLists) {
  EXPECT_AVOCADO_ERROR(scaling({{"type", "longrope"}, {"short_factor", {1, 1, 1, 1}}}),
                       ErrorKind::input, "long_factor is missing");
  EXPECT_AVOCADO_ERROR(scaling(longrope({{"long_factor", {1, 2, 3}}})), ErrorKind::input,
                       "3 long rotary factors for 4 pairs");
  EXPECT_AVOCADO_ERROR(scaling(longrope({{"short_factor", {1, 1, 0, 1}}})), ErrorKind::input,
                       "short rotary factor is 0");
  EXPECT_AVOCADO_ERROR(scaling(longrope({{"short_factor", {1, "x", 0, 1}}})), ErrorKind::input,
                       "short_factor is not a list of numbers");
  EXPECT_AVOCADO_ERROR(scaling(longrope({{"short_mscale", 1.1}})), ErrorKind::input,
                       "short_mscale");
}

TEST_F(ReadRopeTest, WhatIsNotComputedIsRefusedByName) {
  EXPECT_AVOCADO_ERROR(scaling({{"rope_type", "spiral"}, {"factor", 4}}), ErrorKind::input,
                       "'spiral' is not supported; this build knows none, linear, llama3, yarn, "
                       "dynamic, longrope");
  EXPECT_AVOCADO_ERROR(scaling({{"factor", 4}}), ErrorKind::input, "type is missing");
  EXPECT_AVOCADO_ERROR(scaling({{"type", "yarn"}, {"factor", 4}, {"truncate", false}}),
                       ErrorKind::input, "truncate");
  EXPECT_AVOCADO_ERROR(read({{"partial_rotary_factor", 0.5}}), ErrorKind::input,
                       "partial_rotary_factor");
  EXPECT_AVOCADO_ERROR(read({{"rope_parameters", {{"full_attention", {{"rope_theta", 1e6}}}}}}),
                       ErrorKind::input, "differ between layers");
}

// A GGUF file of a tiny llama whose rotary metadata and tensors are these.
class GgufRopeTest : public testing::Test {
 protected:
  ModelConfig read(const std::function<void(GgufWriter&)>& add) {
    const std::vector<float> table(16 * 8);
    GgufWriter out;
    out.set_string("general.architecture", "llama");
    for (const auto& [key, value] :
         std::initializer_list<std::pair<const char*, uint32_t>>{{"context_length", 256},
                                                                 {"embedding_length", 8},
                                                                 {"block_count", 1},
                                                                 {"feed_forward_length", 16},
                                                                 {"attention.head_count", 1}})
      out.set_u32(std::string("llama.") + key, value);
    out.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    out.add_tensor({.name = "token_embd.weight",
                    .type = DType::f32,
                    .shape = {16, 8},
                    .data = std::as_bytes(std::span(table))});
    add(out);
    const std::string path = folder_.path() / "rope.gguf";
    out.write(path);
    return config_from_gguf(GgufFile::open(path));
  }
  void add_factors(GgufWriter& out, const char* name) const {
    out.add_tensor({.name = name,
                    .type = DType::f32,
                    .shape = {4},
                    .data = std::as_bytes(std::span(factors_))});
  }

  const std::vector<float> factors_ = {1, 1.5f, 2, 4};
  test::TempFolder folder_;
};

TEST_F(GgufRopeTest, FactorsMakeLongropeWhateverTheTypeSays) {
  for (const bool named : {false, true}) {
    const ModelConfig c = read([&](GgufWriter& out) {
      if (named) out.set_string("llama.rope.scaling.type", "longrope");
      out.set_f32("llama.rope.scaling.attn_factor", 1.25f);
      out.set_u32("llama.rope.scaling.original_context_length", 32);
      add_factors(out, kRopeShort);
      add_factors(out, kRopeLong);
    });
    EXPECT_EQ(c.rope_scaling, RopeScaling::longrope);
    EXPECT_EQ(c.rope_attention, 1.25);
    EXPECT_EQ(c.rope_original_context, 32);
    EXPECT_EQ(c.rope_long, factors_);
  }
  EXPECT_AVOCADO_ERROR(read([&](GgufWriter& out) { add_factors(out, kRopeLong); }),
                       ErrorKind::input, kRopeShort);
}

TEST_F(GgufRopeTest, YarnsExtrapolationIsRead) {
  const ModelConfig c = read([](GgufWriter& out) {
    out.set_string("llama.rope.scaling.type", "yarn");
    out.set_f32("llama.rope.scaling.factor", 4);
    out.set_f32("llama.rope.scaling.yarn_ext_factor", 0.5f);
  });
  EXPECT_EQ(c.rope_extrapolation, 0.5);
  EXPECT_EQ(c.rope_original_context, 256);
}

TEST_F(GgufRopeTest, UnknownKindsAreRefusedByName) {
  EXPECT_AVOCADO_ERROR(
      read([](GgufWriter& out) { out.set_string("llama.rope.scaling.type", "spiral"); }),
      ErrorKind::input, "llama.rope.scaling.type 'spiral' is not supported");
}

}  // namespace
}  // namespace avocado
