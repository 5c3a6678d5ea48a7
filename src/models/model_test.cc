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

TEST_P(ModelTest, ScalingByTheContextIsTheSameInBothFormats) {
  ModelConfig config = GetParam()->tiny();
  config.rope_divisors.clear();
  config.rope_original_context = 32;
  for (const RopeScaling kind : {RopeScaling::dynamic, RopeScaling::longrope}) {
    config.rope_scaling = kind;
    config.rope_factor = kind == RopeScaling::dynamic ? 16 : 1;
    if (kind == RopeScaling::longrope) {
      config.rope_attention = 1.1875;
      config.rope_short.assign(static_cast<size_t>(config.rope_dim / 2), 1.25f);
      config.rope_long.assign(static_cast<size_t>(config.rope_dim / 2), 3.0f);
    }
    const graph::Graph g = build_graph(config);
    const Weights weights(g);
    const std::string path = folder_.path() / "scaled.gguf", hf = folder_.path() / "scaled";
    save_gguf(path, config, g, weights.pointers, nullptr, "");
    save_huggingface(hf, config, g, weights.pointers);
    const auto load = [&](const std::string& from, int64_t context) {
      return Model::load(from, pool_, default_packed_cache(), {.context = context});
    };
    const Model a = load(path, 0), b = load(hf, 0);
    EXPECT_EQ(a.config().rope_scaling, kind);
    EXPECT_EQ(a.config().rope_attention, config.rope_attention);
    EXPECT_EQ(b.config().rope_original_context, 32);
    EXPECT_EQ(logits(a, pool_), logits(b, pool_));
    // The context asked for decides, and the model's own is what is asked for by default.
    EXPECT_EQ(logits(load(path, config.context), pool_), logits(a, pool_));
    EXPECT_EQ(logits(load(path, 16), pool_), logits(load(hf, 32), pool_));
    EXPECT_NE(logits(load(path, 16), pool_), logits(a, pool_));
  }
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

TEST(Config, WindowsAreReadAndMixedOnesRefused) {
  test::TempFolder folder;
  const std::string path = folder.path() / "config.json";
  const auto read = [&](const char* type, const nlohmann::json& fields) {
    nlohmann::json json = {{"model_type", type},       {"vocab_size", 80},
                           {"hidden_size", 32},        {"num_hidden_layers", 2},
                           {"num_attention_heads", 4}, {"num_key_value_heads", 2},
                           {"intermediate_size", 64},  {"rms_norm_eps", 1e-5},
                           {"sliding_window", 4096},   {"max_position_embeddings", 32768}};
    json.update(fields);
    write_file_atomically(path, json.dump());
    return config_from_hf(path);
  };
  const nlohmann::json null;
  EXPECT_EQ(read("mistral", {{"model_type", "mistral"}}).window, 4096);
  EXPECT_EQ(read("mistral", {{"sliding_window", null}}).window, 0);
  EXPECT_EQ(read("mistral", {{"layer_types", {"sliding_attention", "sliding_attention"}}}).window,
            4096);
  // These have a number there that means nothing.
  EXPECT_EQ(read("llama", {{"tie_word_embeddings", true}}).window, 0);
  EXPECT_EQ(read("qwen2", {{"use_sliding_window", false}}).window, 0);
  EXPECT_EQ(read("qwen3", {{"layer_types", {"full_attention", "full_attention"}}}).window, 0);

  EXPECT_AVOCADO_ERROR(read("mistral", {{"sliding_window", -1}}), ErrorKind::input,
                       "sliding window is -1");
  EXPECT_AVOCADO_ERROR(read("qwen2", {{"use_sliding_window", true}}), ErrorKind::input,
                       "use_sliding_window");
  for (const char* type : {"mistral", "qwen3"})
    EXPECT_AVOCADO_ERROR(read(type, {{"layer_types", {"sliding_attention", "full_attention"}}}),
                         ErrorKind::input, "layer_types");
  EXPECT_AVOCADO_ERROR(read("gemma2", {{"head_dim", 8}}), ErrorKind::input, "gemma2");
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
