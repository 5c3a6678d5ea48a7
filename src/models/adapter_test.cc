#include "models/adapter.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "files/atomic_file.h"
#include "files/gguf.h"
#include "files/safetensors.h"
#include "kernels/isa.h"
#include "models/merge.h"
#include "models/model.h"
#include "models/registry.h"
#include "temp_folder.h"
#include "tiny_adapter.h"
#include "tiny_model_file.h"

namespace avocado {
namespace {

using test::random_adapter;

class AdapterTest : public testing::Test {
 protected:
  // The logits of some tokens.
  std::vector<float> logits(const Model& model) {
    graph::Executor<float> executor(model.graph(), model.weights(), pool_);
    std::vector<int32_t> ids = {1, 5, 3, 7, 2, 6}, wanted = {0, 3, 5};
    const graph::Sequence<float> sequence{.count = 6};
    const float* out = executor.forward_train({ids, {&sequence, 1}, wanted});
    return {out, out + 3 * model.graph().vocab()};
  }
  Model load(const std::string& path) { return Model::load(path, pool_, {}); }
  Model adapted(const std::string& path, std::vector<ScaledAdapter> adapters) {
    Model model = load(path);
    model.attach(std::move(adapters), pool_);
    return model;
  }
  std::string tiny(const char* architecture) {
    const std::string path = folder_.file(std::string(architecture) + ".gguf");
    test::write_tiny_model(avocado::architecture(architecture, "test").tiny(), path);
    return path;
  }

  ThreadPool pool_{2};
  test::TempFolder folder_;
};

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(a[i]), std::bit_cast<uint32_t>(b[i])) << i;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  return most;
}

TEST_F(AdapterTest, BothFilesGiveBackTheSameBits) {
  for (const Architecture* architecture : architectures())
    for (const bool dora : {false, true})
      for (const bool rank_stabilized : {false, true}) {
        ModelConfig config = architecture->tiny();
        const graph::Graph model = build_graph(config);
        Adapter adapter = random_adapter(model, dora, 3, 2);
        adapter.rank_stabilized = rank_stabilized;
        save_adapter_gguf(folder_.file("a.gguf"), config, model, adapter);
        save_adapter_peft(folder_.file("peft"), model, adapter, "base");
        for (const char* name : {"a.gguf", "peft"}) {
          const Adapter read = load_adapter(folder_.file(name), config, model);
          EXPECT_EQ(read.digest(model), adapter.digest(model)) << architecture->name << name;
          ASSERT_EQ(read.matrices.size(), adapter.matrices.size());
          EXPECT_EQ(std::bit_cast<uint64_t>(read.scale(3)),
                    std::bit_cast<uint64_t>(adapter.scale(3)));
        }
      }
}

TEST_F(AdapterTest, ScaleIsAlphaOverRankOrOverItsRoot) {
  Adapter adapter;
  adapter.alpha = 16;
  EXPECT_EQ(adapter.scale(8), 2);
  adapter.rank_stabilized = true;
  EXPECT_EQ(adapter.scale(16), 4);
  EXPECT_NEAR(adapter.scale(8), 16 / std::sqrt(8.0), 1e-6);
}

TEST_F(AdapterTest, PeftRowsAreThoseOfHuggingFace) {
  const ModelConfig config = architecture("llama", "test").tiny();
  const graph::Graph model = build_graph(config);
  const Adapter adapter = random_adapter(model, true);
  save_adapter_peft(folder_.file("peft"), model, adapter, "base");
  const SafetensorsFile file =
      SafetensorsFile::open(folder_.file("peft/adapter_model.safetensors"));
  const std::string q = "base_model.model.model.layers.0.self_attn.q_proj.";
  const TensorView *b = file.tensor(q + "lora_B.weight"),
                   *magnitude = file.tensor(q + "lora_magnitude_vector");
  ASSERT_TRUE(b && magnitude && file.tensor(q + "lora_A.weight"));
  const AdapterMatrix& first = adapter.matrices.front();
  ASSERT_EQ(model.weights[static_cast<size_t>(first.weight)].name, "blk.0.attn_q.weight");
  // Row 1 of a head is our row 2: pairs lie half a head apart there.
  const std::vector<float> rows = to_f32(*b), lengths = to_f32(*magnitude);
  for (int64_t r = 0; r < 3; ++r)
    EXPECT_EQ(rows[static_cast<size_t>(3 + r)], first.b[static_cast<size_t>(6 + r)]);
  EXPECT_EQ(lengths[1], first.magnitude[2]);
  const auto json = nlohmann::json::parse(read_text_file(folder_.file("peft/adapter_config.json")));
  EXPECT_EQ(json["r"], 3);
  EXPECT_EQ(json["lora_alpha"].dump(), "5");
  EXPECT_EQ(json["use_dora"], true);
  EXPECT_EQ(json["target_modules"].dump(),
            R"(["down_proj","gate_proj","k_proj","o_proj","q_proj","up_proj","v_proj"])");
}

TEST_F(AdapterTest, TargetModulesAreWholeNamesWhereOnlySomeAreMeant) {
  const graph::Graph model = build_graph(architecture("qwen3", "test").tiny());
  Adapter adapter = random_adapter(model, false);
  adapter.matrices.resize(1);
  save_adapter_peft(folder_.file("peft"), model, adapter, "base");
  const auto json = nlohmann::json::parse(read_text_file(folder_.file("peft/adapter_config.json")));
  EXPECT_EQ(json["target_modules"].dump(), R"(["model.layers.0.self_attn.q_proj"])");
}

TEST_F(AdapterTest, ScaleZeroIsTheModel) {
  const std::string path = tiny("qwen2");
  const Model base = load(path);
  const Adapter lora = random_adapter(base.graph(), false);
  expect_same_bits(logits(adapted(path, {{lora, 0}})), logits(base));
  EXPECT_GT(largest_difference(logits(adapted(path, {{lora, 1}})), logits(base)), 1e-3);
}

TEST_F(AdapterTest, MergedIsTheModelWithItsAdapter) {
  for (const Architecture* a : architectures())
    for (const bool dora : {false, true}) {
      const std::string path = tiny(a->name), out = folder_.file("merged.gguf");
      const Model base = load(path);
      const Adapter adapter = random_adapter(base.graph(), dora);
      merge_adapters(base, {{adapter, 1}}, DType::f32, out, pool_);
      const std::vector<float> merged = logits(load(out)),
                               together = logits(adapted(path, {{adapter, 1}}));
      double size = 0;
      for (const float x : together) size = std::max(size, std::abs(static_cast<double>(x)));
      EXPECT_LT(largest_difference(merged, together), 2e-5 * size) << a->name;
    }
}

TEST_F(AdapterTest, SeveralAdaptersAddUp) {
  const std::string path = tiny("llama"), out = folder_.file("merged.gguf");
  const Model base = load(path);
  const Adapter one = random_adapter(base.graph(), false, 3),
                two = random_adapter(base.graph(), false, 2, 2);
  merge_adapters(base, {{one, 0.5}, {two, -2}}, DType::f32, out, pool_);
  EXPECT_LT(largest_difference(logits(load(out)), logits(adapted(path, {{one, 0.5}, {two, -2}}))),
            1e-4);
}

TEST_F(AdapterTest, FoldersAndFilesOfOneModelGiveTheSameBits) {
  for (const bool dora : {false, true}) {
    ModelConfig config = architecture("llama", "test").tiny();
    config.rope_divisors.clear();
    const std::string path = folder_.file("plain.gguf");
    test::write_tiny_model(config, path);
    const Model base = load(path);
    std::vector<std::vector<float>> values;
    std::vector<const float*> pointers;
    for (size_t i = 0; i < base.graph().weights.size(); ++i)
      values.push_back(to_f32(base.in_own_order(i).view));
    for (const auto& v : values) pointers.push_back(v.data());
    save_huggingface(folder_.file("hf"), base.config(), base.graph(), pointers);
    const Adapter adapter = random_adapter(base.graph(), dora);
    expect_same_bits(logits(adapted(folder_.file("hf"), {{adapter, 1}})),
                     logits(adapted(path, {{adapter, 1}})));
  }
}

TEST_F(AdapterTest, InstructionSetsAndThreadsDoNotChangeABit) {
  const std::string path = folder_.file("quantized.gguf");
  test::write_quantized_model(path);
  const kernels::Isa usual = kernels::active_isa();
  for (const bool dora : {false, true}) {
    std::vector<std::vector<float>> all;
    for (const kernels::Isa isa : kernels::available_isas()) {
      kernels::set_active_isa(isa);
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        Model model = Model::load(path, pool, {});
        const Adapter adapter = random_adapter(model.graph(), dora);
        model.attach({{adapter, 1}}, pool);
        all.push_back(logits(model));
      }
    }
    kernels::set_active_isa(usual);
    for (const std::vector<float>& some : all) expect_same_bits(some, all.front());
  }
}

TEST_F(AdapterTest, BlocksBecomeF16AndTheRestStays) {
  const std::string path = folder_.file("quantized.gguf"), out = folder_.file("merged.gguf");
  test::write_quantized_model(path);
  const Model base = load(path);
  merge_adapters(base, {{random_adapter(base.graph(), false, 3, 2), 1}}, std::nullopt, out, pool_);
  const Model merged = load(out);
  const auto before = base.weights(), after = merged.weights();
  int changed = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i].stored->type == after[i].stored->type) continue;
    EXPECT_EQ(after[i].stored->type, DType::f16);
    ++changed;
  }
  EXPECT_GT(changed, 3);
}

TEST_F(AdapterTest, RefusesWhatDoesNotFit) {
  const std::string path = tiny("llama");
  Model base = load(path);
  const ModelConfig config = base.config();
  const graph::Graph& model = base.graph();
  const std::string gguf = folder_.file("a.gguf"), peft = folder_.file("peft");
  const auto load_gguf = [&](const char* name) {
    const ModelConfig other = architecture(name, "test").tiny();
    return load_adapter(gguf, other, build_graph(other));
  };
  save_adapter_gguf(gguf, config, model, random_adapter(model, false));
  EXPECT_AVOCADO_ERROR(load_gguf("qwen2"), ErrorKind::input, "is for the architecture llama");
  EXPECT_AVOCADO_ERROR(load_adapter(path, config, model), ErrorKind::input, "general.type");
  EXPECT_AVOCADO_ERROR(load(gguf), ErrorKind::input, "");
  ModelConfig wide = config;
  wide.ffn *= 2;
  EXPECT_AVOCADO_ERROR(load_adapter(gguf, wide, build_graph(wide)), ErrorKind::input, "shape");

  EXPECT_AVOCADO_ERROR(base.attach({{random_adapter(model, true), 0.5}}, pool_), ErrorKind::usage,
                       "cannot be scaled");
  EXPECT_AVOCADO_ERROR(load_adapter(folder_.file("."), config, model), ErrorKind::input,
                       "adapter_config.json");
  save_adapter_peft(peft, model, random_adapter(model, false), "base");
  const std::string text = read_text_file(peft + "/adapter_config.json");
  const auto with = [&](const char* key, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(text);
    json[key] = value;
    write_file_atomically(peft + "/adapter_config.json", json.dump());
    load_adapter(peft, config, model);
  };
  with("lora_dropout", 0.1);  // of training alone
  EXPECT_AVOCADO_ERROR(with("use_dora", true), ErrorKind::input, "magnitude");
  EXPECT_AVOCADO_ERROR(with("peft_type", "IA3"), ErrorKind::input, "peft_type");
  EXPECT_AVOCADO_ERROR(with("bias", "all"), ErrorKind::input, "bias is \"all\"");
  EXPECT_AVOCADO_ERROR(with("modules_to_save", {"lm_head"}), ErrorKind::input, "modules_to_save");
  EXPECT_AVOCADO_ERROR(with("lora_alpha", "16"), ErrorKind::input, "lora_alpha");
}

}  // namespace
}  // namespace avocado
