#include "train/memory_estimate.h"

#include <gtest/gtest.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "temp_folder.h"
#include "tiny_model_file.h"
#include "train/trainer.h"

namespace avocado {
namespace {

// A line "VmHWM:  12345 kB" of /proc/self/status, in bytes; 0 when there is none.
uint64_t status_bytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1)) << 10;
  return 0;
}

// 5 resets the peak of the resident memory to what is resident now. What earlier tests have freed
// is given back before, or it would serve this one without being counted.
bool reset_peak() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  std::ofstream file("/proc/self/clear_refs");
  file << "5";
  file.flush();
  return file.good();
}

ModelConfig model() {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab = 12000;
  config.width = 512;
  config.layers = 4;
  config.heads = 8;
  config.kv_heads = 4;
  config.head_dim = 64;
  config.rope_dim = 64;
  config.ffn = 1024;
  config.context = 128;
  return config;
}

Dataset dataset(const ModelConfig& config) {
  std::vector<Document> documents(12);
  for (size_t d = 0; d < documents.size(); ++d)
    for (int64_t i = 0; i <= config.context; ++i)
      documents[d].ids.push_back(static_cast<int32_t>((d * 31 + i * 7) % 5000));
  return Dataset::pack(documents, config.context, config.vocab);
}

class MemoryTest : public testing::TestWithParam<bool> {};

TEST_P(MemoryTest, EstimateIsThePeakOfAStep) {
  const ModelConfig config = model();
  const Dataset data = dataset(config);
  TrainOptions options;
  options.steps = 1;
  options.rows = 4;
  options.micro_batches = 2;
  options.precision = GetParam() ? "bf16" : "f32";
  ThreadPool pool(2);
  const MemoryRequest request{
      .config = config, .options = options, .recompute = GetParam(), .train = data, .threads = 2};
  const MemoryEstimate estimate = estimate_memory(request);
  if (!reset_peak()) GTEST_SKIP() << "the peak of the resident memory cannot be reset here";
  const uint64_t before = status_bytes("VmRSS");
  {
    Trainer trainer(config, options, data, pool);
    trainer.set_recompute(GetParam());
    trainer.step();
  }
  const auto measured = static_cast<double>(status_bytes("VmHWM") - before);
  // The program and its data were there before.
  const auto expected = static_cast<double>(estimate.total() - estimate.program - estimate.data);
  std::printf("estimated %.1f MB, measured %.1f MB\n", expected * 1e-6, measured * 1e-6);
  EXPECT_NEAR(measured / expected, 1.0, 0.05) << describe_memory(estimate);
}

INSTANTIATE_TEST_SUITE_P(Modes, MemoryTest, testing::Values(false, true), [](const auto& tested) {
  return tested.param ? "Bf16Recomputed" : "F32";
});

// The model as it is stored and as products read it; gradient and moments of the adapter alone.
TEST(MemoryEstimate, OfAnAdapterOnBlocks) {
  const test::TempFolder folder;
  const std::string base = folder.file("base.gguf");
  const DType type = DType::q8_0;
  const ModelConfig config = model();
  test::write_stored_model(base, config, std::span(&type, 1));
  const Dataset data = dataset(config);
  TrainOptions options;
  options.steps = 1;
  options.rows = 4;
  options.micro_batches = 2;
  const AdapterOptions adapter{.kind = "lora", .rank = 32};
  const MemoryEstimate estimate = estimate_memory({.config = config,
                                                   .options = options,
                                                   .adapter = adapter,
                                                   .base = base,
                                                   .train = data,
                                                   .threads = 2});
  EXPECT_EQ(estimate.weights, estimate.gradient);
  EXPECT_LT(estimate.weights, estimate.base / 5);
  // The file and its products; the embedding table is no product.
  const auto stored = static_cast<double>(std::filesystem::file_size(base)),
             table = static_cast<double>(*dtype_bytes(type, config.vocab * config.width));
  EXPECT_NEAR(static_cast<double>(estimate.base), 2 * stored - table, 0.05 * stored);
  if (!reset_peak()) GTEST_SKIP() << "the peak of the resident memory cannot be reset here";
  const uint64_t before = status_bytes("VmRSS");
  {
    ThreadPool pool(2);
    const auto model = std::make_shared<const Model>(Model::load(base, pool, {}));
    Trainer trainer(model, adapter, options, data, pool);
    trainer.step();
  }
  const auto measured = static_cast<double>(status_bytes("VmHWM") - before);
  const auto expected = static_cast<double>(estimate.total() - estimate.program - estimate.data);
  std::printf("estimated %.1f MB, measured %.1f MB\n", expected * 1e-6, measured * 1e-6);
  EXPECT_NEAR(measured / expected, 1.0, 0.1) << describe_memory(estimate);
}

TEST(MemoryEstimate, SaysWhatWouldNeedLess) {
  // Rows so long that activations outweigh the partial sums of more micro-batches.
  ModelConfig config = model();
  config.context = 1024;
  const Dataset data = dataset(config);
  TrainOptions options;
  options.rows = 8;
  const MemoryRequest request{.config = config, .options = options, .train = data};
  const uint64_t needed = estimate_memory(request).total();
  EXPECT_NO_THROW(require_memory(request, needed, needed));
  EXPECT_NO_THROW(require_memory(request, 0, 0));
  for (const auto& [allowed, available, words] :
       {std::tuple(needed - 1, uint64_t{0}, "[train] memory allows"),
        std::tuple(uint64_t{0}, needed - 1, "this machine has")}) {
    try {
      require_memory(request, allowed, available);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::resource);
      const std::string text = error.what();
      for (const std::string part :
           {words, "activations", "recompute = true", "rows = 1 with micro_batches = 8"})
        EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
}

TEST(MemoryEstimate, ReadsAmounts) {
  EXPECT_EQ(parse_memory("8GiB", "x"), uint64_t{8} << 30);
  EXPECT_EQ(parse_memory("500 MiB", "x"), uint64_t{500} << 20);
  EXPECT_EQ(parse_memory("4096", "x"), 4096u);
  for (const char* text : {"", "GiB", "8GB", "0", "-1GiB", "1.5GiB", "99999999999TiB", "8GiB "})
    EXPECT_THROW(parse_memory(text, "x"), Error) << text;
}

}  // namespace
}  // namespace avocado
