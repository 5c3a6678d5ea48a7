// `avocado show` as a user meets it.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "files/atomic_file.h"
#include "files/gguf.h"
#include "files/safetensors.h"
#include "program.h"
#include "temp_folder.h"

namespace avocado {
namespace {

using test::run_program;

class Show : public testing::Test {
 protected:
  std::string model() {
    const std::string path = folder_.file("m.gguf");
    GgufWriter writer;
    writer.set_string("general.architecture", "llama");
    writer.set_string("general.name", "\x1b]0;owned\x07\u202e name \xff");
    writer.set_u32("llama.block_count", 2);
    writer.set_u32("llama.embedding_length", 8);
    writer.set_u32("llama.attention.head_count", 4);
    writer.set_u32("llama.attention.head_count_kv", 2);
    writer.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    writer.set_strings("tokenizer.ggml.tokens",
                       {"t0", "t1", "t2", "t3", "t4", "t5", "t6", "\x1b[2J"});
    writer.add_tensor({"token_embd.weight", DType::f32, {8, 8}, std::as_bytes(std::span(values_))});
    writer.add_tensor({"\x1b[31m", DType::f16, {8}, std::as_bytes(std::span(values_)).first(16)});
    writer.write(path);
    return path;
  }

  test::TempFolder folder_;
  std::vector<float> values_ = std::vector<float>(64, 1.0f);
};

void expect_harmless(const std::string& text) {
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c < 0x7f)) << static_cast<int>(c);
}

TEST_F(Show, TellsWhatTheFileHolds) {
  const auto result = run_program({"show", model()});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* text :
       {"GGUF v3, alignment 32", "llama", "parameters    72", "272 bytes weights",
        "62.50 KiB key-value cache", "array of string, 8", "t0, t1, t2, t3, t4, t5, ...", "1e-05",
        "token_embd.weight", "8 x 8", "256"}) {
    EXPECT_NE(result.out.find(text), std::string::npos) << text << "\n" << result.out;
  }
}

TEST_F(Show, HostileNamesAreEscaped) {
  const std::string path = model();
  const auto text = run_program({"show", path});
  expect_harmless(text.out);
  EXPECT_NE(text.out.find("\\x1b]0;owned\\x07\\u{202e} name \\xff"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("\\x1b[31m"), std::string::npos);
  const auto json = run_program({"show", path, "--json"});
  expect_harmless(json.out);
}

TEST_F(Show, JsonHasEverything) {
  const auto result = run_program({"show", model(), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["architecture"], "llama");
  EXPECT_EQ(json["parameters"], 72);
  EXPECT_EQ(json["memory"]["weights"], 272);
  EXPECT_EQ(json["memory"]["kv_cache_per_token"], 2 * 2 * (2 + 2) * 4);
  EXPECT_EQ(json["metadata"]["tokenizer.ggml.tokens"]["value"].size(), 8u);
  EXPECT_EQ(json["metadata"]["llama.attention.layer_norm_rms_epsilon"]["value"], 1e-5);
  EXPECT_EQ(json["tensors"].size(), 2u);
  EXPECT_EQ(json["tensors"][0]["shape"], (std::vector<int>{8, 8}));
}

TEST_F(Show, OneHalfOnRequest) {
  const std::string path = model();
  const auto metadata = run_program({"show", path, "--metadata"});
  EXPECT_NE(metadata.out.find("general.name"), std::string::npos);
  EXPECT_EQ(metadata.out.find("token_embd.weight"), std::string::npos);
  const auto tensors = run_program({"show", path, "--tensors"});
  EXPECT_EQ(tensors.out.find("general.name"), std::string::npos);
  EXPECT_NE(tensors.out.find("token_embd.weight"), std::string::npos);
}

TEST_F(Show, ReadsAHuggingFaceFolder) {
  write_safetensors(folder_.file("model.safetensors"),
                    {{"w", DType::f32, {8, 8}, std::as_bytes(std::span(values_))}}, {});
  write_file_atomically(
      folder_.file("config.json"),
      R"({"model_type": "qwen2", "num_hidden_layers": 3, "hidden_size": 8, "num_attention_heads": 2})");
  const auto result = run_program({"show", folder_.path().string(), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["architecture"], "qwen2");
  EXPECT_EQ(json["memory"]["kv_cache_per_token"], 3 * 2 * (4 + 4) * 4);
}

TEST_F(Show, BadFilesGiveOneMessage) {
  write_file_atomically(folder_.file("bad.gguf"), "not a model");
  write_file_atomically(folder_.file("empty.gguf"), "");
  for (const std::string& path : {folder_.file("bad.gguf"), folder_.file("empty.gguf"),
                                  folder_.file("none"), folder_.path().string()}) {
    const auto result = run_program({"show", path});
    EXPECT_EQ(result.code, 1) << path;
    EXPECT_EQ(result.out, "") << path;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(path), std::string::npos) << result.err;
  }
  EXPECT_EQ(run_program({"show"}).code, 2);
}

}  // namespace
}  // namespace avocado
