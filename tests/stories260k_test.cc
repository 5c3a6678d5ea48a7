// A real model, trained and documented by somebody else (karpathy/tinyllamas, stories260K).

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>

#include "files/atomic_file.h"
#include "files/mapped_file.h"
#include "infer/generate.h"
#include "temp_folder.h"
#include "test_data.h"
#include "tiny_model.h"

namespace avocado {
namespace {

const std::string kFolder = "weights/stories260K/";

std::string file(const std::string& name) { return test::data(kFolder + name).string(); }

// The weights of a llama2.c checkpoint ("legacy" version 0): seven int32 numbers, then float32
// tensors grouped by kind, layers ascending. Queries and keys stand in the order of adjacent pairs,
// as in GGUF. After the final norm come two rope tables that nobody needs; the head is shared when
// vocab_size is positive.
class Checkpoint {
 public:
  explicit Checkpoint(const std::string& path) : file_(path) {
    std::memcpy(header_, file_.bytes().data(), sizeof header_);
  }

  int32_t width() const { return header_[0]; }
  int32_t ffn() const { return header_[1]; }
  int32_t layers() const { return header_[2]; }
  int32_t heads() const { return header_[3]; }
  int32_t kv_heads() const { return header_[4]; }
  int32_t vocab() const { return header_[5]; }
  int32_t context() const { return header_[6]; }

  // By the names of GGUF; `graph` lists the names that are asked for.
  std::vector<const float*> weights(const graph::Graph& graph) const {
    const int64_t d = width(), kv = d / heads() * kv_heads(), f = ffn();
    const struct {
      std::string name;  // "*": one per layer
      int64_t count;
    } order[] = {{"token_embd.weight", vocab() * d}, {"blk.*.attn_norm.weight", d},
                 {"blk.*.attn_q.weight", d * d},     {"blk.*.attn_k.weight", kv * d},
                 {"blk.*.attn_v.weight", kv * d},    {"blk.*.attn_output.weight", d * d},
                 {"blk.*.ffn_norm.weight", d},       {"blk.*.ffn_gate.weight", f * d},
                 {"blk.*.ffn_down.weight", d * f},   {"blk.*.ffn_up.weight", f * d},
                 {"output_norm.weight", d}};
    std::vector<const float*> found(graph.weights.size());
    const auto* next = reinterpret_cast<const float*>(file_.bytes().data() + sizeof header_);
    for (const auto& [name, count] : order) {
      const size_t star = name.find('*');
      for (int layer = 0; layer < (star == std::string::npos ? 1 : layers()); ++layer) {
        std::string full = name;
        if (star != std::string::npos) full.replace(star, 1, std::to_string(layer));
        const graph::WeightId id = graph.find_weight(full);
        EXPECT_NE(id, graph::kNone) << full;
        EXPECT_EQ(graph.weights[id].count(), count) << full;
        found[id] = next;
        next += count;
      }
    }
    // The head is the embedding table; a file that stores it twice still declares it once here.
    const graph::WeightId head = graph.find_weight("output.weight");
    if (head != graph::kNone) found[head] = found[graph.find_weight("token_embd.weight")];
    const auto* end = reinterpret_cast<const float*>(file_.bytes().data() + file_.bytes().size());
    EXPECT_EQ(end - next, context() * (d / heads()));  // the two rope tables
    return found;
  }

 private:
  MappedFile file_;
  int32_t header_[7];
};

// The text that `run stories260K.bin -t 0.0` prints, from the document beside the weights.
std::string documented_text() {
  const std::string document = read_text_file(file("stories260K.md"));
  const std::string command = "-t 0.0\n";
  const size_t begin = document.find(command) + command.size();
  return document.substr(begin, document.find("\n```", begin) - begin);
}

class Stories260K : public testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_TEST_DATA(kFolder);
    model_.emplace(Model::load(file("stories260K.gguf"), pool_));
  }

  ThreadPool pool_{2};
  std::optional<Model> model_;
};

TEST_F(Stories260K, GgufAndLlama2cCheckpointGiveTheSameLogits) {
  const Checkpoint checkpoint(file("stories260K.bin"));
  const ModelConfig& config = model_->config();
  EXPECT_EQ(checkpoint.width(), config.width);
  EXPECT_EQ(checkpoint.ffn(), config.ffn);
  EXPECT_EQ(checkpoint.layers(), config.layers);
  EXPECT_EQ(checkpoint.heads(), config.heads);
  EXPECT_EQ(checkpoint.kv_heads(), config.kv_heads);
  ASSERT_EQ(checkpoint.vocab(), config.vocab);

  const test::TempFolder folder;
  const std::string converted = folder.file("converted.gguf");
  const graph::Graph graph = build_graph(config);
  save_gguf(converted, config, graph, checkpoint.weights(graph), nullptr, "");
  const Model model = Model::load(converted, pool_);
  Engine ours(*model_, pool_), theirs(model, pool_);
  const std::vector<int32_t> ids = test::random_ids(200, config.vocab, 1);
  EXPECT_EQ(test::logits_of(ours, ids), test::logits_of(theirs, ids));
}

TEST_F(Stories260K, GreedyTextIsTheDocumentedOne) {
  const std::string expected = documented_text();
  ASSERT_GT(expected.size(), 500u);
  Engine engine(*model_, pool_);
  const ScopedSequence sequence(engine);
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = 256;
  std::string text;
  GenerateHooks hooks;
  hooks.text = [&](const std::string& piece) { text += piece; };
  const std::vector<int32_t> prompt = model_->tokenizer()->encode("", {.bos = true});
  EXPECT_EQ(prompt.size(), 1u);
  const Completion completion = generate(engine, sequence, prompt, options, hooks);
  EXPECT_EQ(completion.ids.size(), 256u);
  EXPECT_EQ(text, expected);
}

TEST_F(Stories260K, LogitsAreCloseToDoublePrecision) {
  const graph::Graph& graph = model_->graph();
  const std::vector<int32_t> ids = test::random_ids(256, graph.vocab(), 2);
  Engine engine(*model_, pool_);
  const std::vector<float> ours = test::logits_of(engine, ids);

  const std::vector<std::vector<double>> weights = model_->weights_as_double();
  std::vector<graph::WeightRef<double>> references(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) references[i].data = weights[i].data();
  graph::Executor<double> executor(graph, references, pool_);
  const int64_t tiles = static_cast<int64_t>(ids.size()) / kernels::kTile;
  std::vector<std::vector<std::byte>> memory(graph.layers * tiles,
                                             std::vector<std::byte>(graph.page_bytes<double>({})));
  std::vector<std::byte*> pages;
  for (auto& page : memory) pages.push_back(page.data());
  const graph::Sequence<double> sequence{static_cast<int64_t>(ids.size()), 0, pages.data(), tiles};
  std::vector<int32_t> wanted;
  for (size_t i = 0; i < ids.size(); ++i) wanted.push_back(static_cast<int32_t>(i));
  const double* exact = executor.forward({ids, {&sequence, 1}, wanted});

  double error = 0, elementwise = 0, largest = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    const double difference = std::abs(static_cast<double>(ours[i]) - exact[i]);
    error = std::max(error, difference);
    elementwise = std::max(elementwise, difference / std::abs(exact[i]));
    largest = std::max(largest, std::abs(exact[i]));
  }
  std::cout << "largest difference " << error << " of " << largest << ": relative "
            << error / largest << "; largest elementwise relative " << elementwise << "\n";
  EXPECT_LT(error / largest, 1e-4);
  RecordProperty("relative_error", std::to_string(error / largest));
}

}  // namespace
}  // namespace avocado
