// Loading and saving: what is written is what is read, whichever format, and strictly so.

#include "models/model.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "files/atomic_file.h"
#include "models/registry.h"
#include "models/rope_frequencies.h"
#include "temp_folder.h"
#include "test_data.h"

namespace avocado {
namespace {

// Weights of a graph at birth.
struct Weights {
  std::vector<std::vector<float>> values;
  std::vector<const float*> pointers;

  explicit Weights(const graph::Graph& g) {
    std::vector<float*> writable;
    for (const graph::Weight& w : g.weights) values.emplace_back(w.count());
    for (auto& v : values) writable.push_back(v.data());
    graph::initialise(g, 11, writable);
    pointers.assign(writable.begin(), writable.end());
  }
};

// Logits of one prompt for every token, through the cache.
std::vector<float> logits(const Model& model, ThreadPool& pool) {
  const graph::Graph& g = model.graph();
  std::vector<int32_t> ids, wanted;
  for (int32_t i = 0; i < 100; ++i) {
    ids.push_back(i * 7 % static_cast<int32_t>(g.vocab()));
    wanted.push_back(i);
  }
  std::vector<std::vector<std::byte>> memory(g.layers * 2,
                                             std::vector<std::byte>(g.page_bytes<float>({})));
  std::vector<std::byte*> pages;
  for (auto& page : memory) pages.push_back(page.data());
  const std::vector<graph::Sequence<float>> sequences = {{100, 0, pages.data(), 2}};
  graph::Executor<float> executor(g, model.weights(), pool);
  const float* out = executor.forward({ids, sequences, wanted});
  return {out, out + 100 * g.vocab()};
}

class ModelTest : public testing::TestWithParam<const Architecture*> {
 protected:
  test::TempFolder folder_;
  ThreadPool pool_{2};
};

TEST_P(ModelTest, GgufRoundTripKeepsConfigAndWeights) {
  const ModelConfig config = GetParam()->tiny();
  const graph::Graph g = build_graph(config);
  const Weights weights(g);
  const std::string path = folder_.path() / "tiny.gguf";
  save_gguf(path, config, g, weights.pointers, nullptr, "");
  // llama.cpp's word for a file without tokenizer.
  EXPECT_EQ(GgufFile::open(path).get_string("tokenizer.ggml.model"), "no_vocab");
  const Model model = Model::load(path, pool_);
  EXPECT_EQ(model.tokenizer(), nullptr);
  ModelConfig expected = config;
  // GGUF holds these two as 32-bit floats.
  expected.norm_eps = static_cast<double>(static_cast<float>(config.norm_eps));
  expected.rope_base = static_cast<double>(static_cast<float>(config.rope_base));
  EXPECT_EQ(model.config(), expected);
  EXPECT_EQ(model.weights_digest(), weights_digest(g, weights.pointers));
  for (size_t i = 0; i < weights.values.size(); ++i)
    EXPECT_EQ(
        std::memcmp(model.weights()[i].data, weights.pointers[i], weights.values[i].size() * 4), 0);
}

TEST_P(ModelTest, HuggingFaceFolderGivesTheSameBitsAsGguf) {
  ModelConfig config = GetParam()->tiny();
  if (!config.rope_divisors.empty()) {
    config.rope_scaling = RopeScaling::llama3;
    config.rope_factor = 8;
    config.rope_original_context = 64;
    config.rope_divisors = llama3_divisors(config);
    EXPECT_EQ(config.rope_divisors.front(), 1.0f);
    EXPECT_EQ(config.rope_divisors.back(), 8.0f);
  }
  const graph::Graph g = build_graph(config);
  const Weights weights(g);
  const std::string path = folder_.path() / "tiny.gguf", hf = folder_.path() / "hf";
  save_gguf(path, config, g, weights.pointers, nullptr, "");
  save_huggingface(hf, config, g, weights.pointers);
  const Model a = Model::load(path, pool_), b = Model::load(hf, pool_);
  EXPECT_EQ(a.weights_digest(), b.weights_digest());
  EXPECT_EQ(logits(a, pool_), logits(b, pool_));
}

TEST_P(ModelTest, YarnIsTheSameInBothFormats) {
  ModelConfig config = GetParam()->tiny();
  config.rope_divisors.clear();
  config.rope_scaling = RopeScaling::yarn;
  config.rope_factor = 8;
  config.rope_original_context = 64;
  for (const float attention : {1.0f, 1.25f}) {
    config.rope_attention = static_cast<double>(attention);
    const graph::Graph g = build_graph(config);
    const Weights weights(g);
    const std::string path = folder_.path() / "yarn.gguf", hf = folder_.path() / "yarn";
    save_gguf(path, config, g, weights.pointers, nullptr, "");
    save_huggingface(hf, config, g, weights.pointers);
    const Model a = Model::load(path, pool_), b = Model::load(hf, pool_);
    EXPECT_EQ(a.config().rope_attention, config.rope_attention);
    EXPECT_EQ(logits(a, pool_), logits(b, pool_));
  }
}

// Figures from the formulas of the paper, worked out apart from this program.
TEST(RopeFrequencies, YarnKeepsFastPairsAndStretchesSlowOnes) {
  ModelConfig config;
  config.rope_dim = 64;
  config.rope_base = 500000;
  config.rope_scaling = RopeScaling::yarn;
  config.rope_factor = 8;
  config.rope_original_context = 4096;
  const std::vector<double> f = rope_frequencies(config);
  ASSERT_EQ(f.size(), 32u);
  const std::pair<size_t, double> expected[] = {
      {0, 1.0},
      {7, 0.056669621445291044},
      {8, 0.033949889034807716},
      {12, 0.0037476193788476804},
      {15, 0.0004735821193137702},
      {16, 0.00017677669529663688},
      {31, 3.7673226901739635e-07},
  };
  for (const auto& [pair, value] : expected) EXPECT_NEAR(f[pair] / value, 1, 1e-13) << pair;
  EXPECT_NEAR(rope_magnitude(config), 1.2079441541679836, 1e-15);
}

TEST_P(ModelTest, MissingAndUnknownTensorsAreRefusedByName) {
  const ModelConfig config = GetParam()->tiny();
  graph::Graph g = build_graph(config);
  const Weights weights(g);
  const std::string path = folder_.path() / "bad.gguf";
  graph::Graph renamed = g;
  renamed.weights[3].name = "blk.0.nobody";
  save_gguf(path, config, renamed, weights.pointers, nullptr, "");
  EXPECT_AVOCADO_ERROR(Model::load(path, pool_), ErrorKind::input, g.weights[3].name);

  graph::Graph extra = g;
  extra.weights.push_back({.name = "blk.0.extra", .hf_name = "", .rows = 1, .cols = 4});
  std::vector<const float*> more = weights.pointers;
  more.push_back(weights.pointers[0]);
  save_gguf(path, config, extra, more, nullptr, "");
  EXPECT_AVOCADO_ERROR(Model::load(path, pool_), ErrorKind::input, "blk.0.extra");

  graph::Graph reshaped = g;
  reshaped.weights[g.find_weight("blk.0.ffn_down.weight")].rows -= 1;
  save_gguf(path, config, reshaped, weights.pointers, nullptr, "");
  EXPECT_AVOCADO_ERROR(Model::load(path, pool_), ErrorKind::input, "shape");
}

INSTANTIATE_TEST_SUITE_P(All, ModelTest, testing::ValuesIn(architectures()),
                         [](const auto& tested) { return tested.param->name; });

TEST(Config, NonsenseIsRefusedByField) {
  test::TempFolder folder;
  const std::string path = folder.path() / "config.json";
  const nlohmann::json good = {
      {"model_type", "llama"},   {"vocab_size", 80},         {"hidden_size", 32},
      {"num_hidden_layers", 2},  {"num_attention_heads", 4}, {"num_key_value_heads", 2},
      {"intermediate_size", 64}, {"rms_norm_eps", 1e-5},     {"max_position_embeddings", 128}};
  const auto write = [&](const nlohmann::json& json) { write_file_atomically(path, json.dump()); };
  const auto with = [&](const char* field, nlohmann::json value) {
    nlohmann::json json = good;
    json[field] = value;
    write(json);
  };
  write(good);
  EXPECT_EQ(config_from_hf(path).head_dim, 8);
  with("hidden_size", "wide");
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "hidden_size");
  with("num_attention_heads", 0);
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "num_attention_heads");
  with("num_key_value_heads", 3);
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "multiple");
  with("num_hidden_layers", -1);
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "layers");
  with("vocab_size", 1e300);
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "vocab_size");
  with("rms_norm_eps", nullptr);
  EXPECT_EQ(config_from_hf(path).norm_eps, 1e-6);
  with("rope_theta", -1);
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "rotary base");
  with("rope_scaling", {{"rope_type", "spiral"}, {"factor", 4}});
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "spiral");
  with("rope_scaling", {{"rope_type", "yarn"}, {"factor", 4}, {"beta_fast", 0}});
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "fast turns");
  with("attention_bias", true);
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "attention_bias");
  with("model_type", "gpt2");
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "gpt2");
  with("quantization", {{"bits", 4}});
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "quantization");
  write_file_atomically(path, "{\"rms_norm_eps\": NaN}");
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "config.json");
  write_file_atomically(path, std::string(100000, '['));
  EXPECT_AVOCADO_ERROR(config_from_hf(path), ErrorKind::input, "nested");
}

TEST(RealFiles, FoldersLoadOrAreRefusedByName) {
  ThreadPool pool(2);
  REQUIRE_TEST_DATA("weights/tiny");
  const Model llama = Model::load(test::data("weights/tiny/tiny_llama3").string(), pool);
  EXPECT_EQ(llama.config().rope_divisors.size(), 8u);
  EXPECT_AVOCADO_ERROR(Model::load(test::data("weights/tiny/tiny_qwen3_sharded").string(), pool),
                       ErrorKind::input, "quantization");
  EXPECT_AVOCADO_ERROR(Model::load(test::data("weights/minicpm3-tiny").string(), pool),
                       ErrorKind::input, "minicpm");
}

}  // namespace
}  // namespace avocado
