#include "models/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/philox.h"
#include "expect_error.h"
#include "models/registry.h"
#include "tensor/blocks/q8_0.h"

namespace avocado {
namespace {

std::vector<float> decoded(const std::vector<std::byte>& bytes) {
  std::vector<float> numbers(bytes.size() / sizeof(BlockQ8_0) * 32);
  for (size_t b = 0; b < numbers.size() / 32; ++b) {
    BlockQ8_0 block;
    std::memcpy(&block, bytes.data() + b * sizeof block, sizeof block);
    decode_block(block, numbers.data() + 32 * b);
  }
  return numbers;
}

TEST(Quantize, ABlockByHand) {
  std::vector<float> x(32, 0.0f);
  x[0] = -127, x[1] = 2.5f, x[2] = -2.5f, x[3] = 126.4f;
  const std::vector<std::byte> bytes = encode_q8_0(x);
  ASSERT_EQ(bytes.size(), 34u);
  BlockQ8_0 block;
  std::memcpy(&block, bytes.data(), sizeof block);
  EXPECT_EQ(block.d.value(), 1.0f);
  EXPECT_EQ(block.q[0], -127);
  EXPECT_EQ(block.q[1], 3) << "halves go away from zero";
  EXPECT_EQ(block.q[2], -3);
  EXPECT_EQ(block.q[3], 126);
  EXPECT_EQ(block.q[4], 0);
}

TEST(Quantize, ErrorsAreHalfAStep) {
  const Random random(3, Purpose::test);
  std::vector<float> x(32 * 64);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = std::ldexp(static_cast<float>(random.uniform64(i) - 0.5), static_cast<int>(i / 32) % 9);
  const std::vector<float> back = decoded(encode_q8_0(x));
  for (size_t b = 0; b < x.size(); b += 32) {
    float most = 0;
    for (size_t i = b; i < b + 32; ++i) most = std::max(most, std::abs(x[i]));
    // Half a step, and the rounding of the scale on 127 steps.
    for (size_t i = b; i < b + 32; ++i)
      EXPECT_LE(std::abs(back[i] - x[i]), most / 127 * 0.57f) << x[i];
  }
  EXPECT_EQ(decoded(encode_q8_0(std::vector<float>(32, 0.0f))), std::vector<float>(32, 0.0f));
}

TEST(Quantize, WhatDoesNotFitIsRefused) {
  std::vector<float> x(32, 1.0f);
  for (const float bad : {std::nanf(""), INFINITY, -1e9f}) {
    x[7] = bad;
    EXPECT_AVOCADO_ERROR(encode_q8_0(x), ErrorKind::input, "Q8_0 does not reach it");
  }
  EXPECT_AVOCADO_ERROR(encode_q8_0(std::span(x).first(31)), ErrorKind::usage, "blocks of 32");
}

TEST(Quantize, AModelKeepsItsShape) {
  ModelConfig config = architecture("llama", "test").tiny();
  config.width = 96, config.heads = 3, config.kv_heads = 1, config.ffn = 100;
  config.head_dim = config.rope_dim = 32;
  config.rope_scaling = RopeScaling::none;
  config.rope_divisors.clear();
  const graph::Graph graph = build_graph(config);
  std::vector<std::vector<float>> values;
  std::vector<float*> pointers;
  for (const graph::Weight& weight : graph.weights) values.emplace_back(weight.count());
  for (auto& value : values) pointers.push_back(value.data());
  graph::initialise(graph, 5, pointers);
  const std::vector<const float*> weights(pointers.begin(), pointers.end());
  const std::string path = (std::filesystem::path(testing::TempDir()) / "q8.gguf").string();
  save_gguf_q8_0(path, config, graph, weights, nullptr, "");
  ThreadPool pool(1);
  const Model model = Model::load(path, pool, {});
  const std::vector<std::vector<double>> stored = model.weights_as_double();
  for (size_t w = 0; w < values.size(); ++w) {
    const graph::Weight& weight = graph.weights[w];
    double error = 0, size = 0;
    for (size_t i = 0; i < values[w].size(); ++i) {
      error += std::pow(stored[w][i] - static_cast<double>(values[w][i]), 2);
      size += std::pow(values[w][i], 2);
    }
    // Rows of 100 numbers are no whole blocks.
    if (!weight.matrix || weight.cols % 32 != 0)
      EXPECT_EQ(error, 0) << weight.name;
    else
      EXPECT_LT(error, 1e-4 * size) << weight.name;
  }
}

}  // namespace
}  // namespace avocado
