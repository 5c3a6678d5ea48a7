#include "infer/engine.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "temp_folder.h"
#include "tiny_model.h"

namespace avocado {
namespace {

class EngineTest : public testing::Test {
 protected:
  static const Architecture& llama() { return architecture("llama", "test"); }

  EngineTest() : path_(folder_.file("tiny.gguf")) {
    test::write_tiny_model(llama().tiny(), path_);
    model_.emplace(Model::load(path_, pool_));
    vocab_ = model_->graph().vocab();
  }

  std::vector<float> append(Engine& engine, SequenceId sequence, std::span<const int32_t> ids) {
    std::vector<float> all;
    const Engine::Input input{sequence, ids, Want::all};
    engine.forward({&input, 1}, [&](const LogitRows& rows) {
      all.insert(all.end(), rows.data, rows.data + rows.count * rows.vocab);
    });
    return all;
  }

  test::TempFolder folder_;
  std::string path_;
  ThreadPool pool_{2};
  std::optional<Model> model_;
  int64_t vocab_ = 0;
};

TEST_F(EngineTest, TruncatingAndContinuingEqualsComputingAnew) {
  Engine engine(*model_, pool_);
  const std::vector<int32_t> ids = test::random_ids(150, vocab_, 1),
                             other = test::random_ids(90, vocab_, 2);
  const ScopedSequence sequence(engine);
  append(engine, sequence, ids);
  engine.truncate(sequence, 70);
  std::vector<int32_t> whole(ids.begin(), ids.begin() + 70);
  whole.insert(whole.end(), other.begin(), other.end());
  const std::vector<float> continued = append(engine, sequence, other);
  EXPECT_EQ(engine.ids(sequence), whole);
  const std::vector<float> anew = test::logits_of(engine, whole);
  EXPECT_EQ(continued, std::vector<float>(anew.begin() + 70 * vocab_, anew.end()));
}

TEST_F(EngineTest, VisitsTheWantedRowsInOrder) {
  EngineOptions options;
  options.chunk = 4;
  Engine engine(*model_, pool_, options);
  const ScopedSequence a(engine), b(engine), c(engine);
  const std::vector<int32_t> ids = test::random_ids(10, vocab_, 3);
  const auto span = [&](size_t n) { return std::span<const int32_t>(ids).first(n); };
  const std::vector<Engine::Input> inputs = {
      {a, span(6), Want::last}, {b, span(5), Want::none}, {c, span(9), Want::all}};
  std::vector<std::pair<size_t, int64_t>> seen;
  engine.forward(inputs, [&](const LogitRows& rows) {
    EXPECT_EQ(rows.vocab, vocab_);
    for (int64_t i = 0; i < rows.count; ++i) seen.emplace_back(rows.input, rows.position + i);
  });
  std::vector<std::pair<size_t, int64_t>> expected = {{0, 5}};
  for (int64_t i = 0; i < 9; ++i) expected.emplace_back(2, i);
  EXPECT_EQ(seen, expected);
}

// The frequencies go by the context that was asked for: a prompt that grows over the original
// context, token by token, gives the bits that it gives at once.
TEST_F(EngineTest, ScalingByTheContextDoesNotDependOnChunks) {
  ModelConfig config = llama().tiny();
  config.rope_divisors.clear();
  config.rope_original_context = 64;
  const std::vector<int32_t> ids = test::random_ids(100, vocab_, 6);
  for (const RopeScaling kind : {RopeScaling::dynamic, RopeScaling::longrope}) {
    config.rope_scaling = kind;
    if (kind == RopeScaling::longrope) {
      config.rope_short = {1.0f, 1.0f, 1.5f, 2.0f};
      config.rope_long = {1.0f, 2.0f, 4.0f, 8.0f};
    } else {
      config.rope_factor = 4;
    }
    test::write_tiny_model(config, path_);
    std::vector<float> by_context[2];
    for (const int64_t context : {128, 192}) {
      const Model model = Model::load(path_, pool_, {}, {.context = context});
      Engine whole(model, pool_, {.context = context}),
          cut(model, pool_, {.context = context, .chunk = 7});
      const ScopedSequence at_once(whole), in_chunks(cut), one_by_one(whole);
      const std::vector<float> expected = append(whole, at_once, ids);
      EXPECT_EQ(append(cut, in_chunks, ids), expected);
      std::vector<float> singly;
      for (const int32_t id : ids)
        for (const float logit : append(whole, one_by_one, {&id, 1})) singly.push_back(logit);
      EXPECT_EQ(singly, expected);
      by_context[context == 192] = expected;
    }
    // Only dynamic has a base for every context.
    EXPECT_EQ(by_context[0] == by_context[1], kind == RopeScaling::longrope);
  }
}

TEST_F(EngineTest, SequenceIdsAreUsedAgain) {
  Engine engine(*model_, pool_);
  const SequenceId first = engine.create();
  append(engine, first, test::random_ids(5, vocab_, 1));
  engine.free(first);
  EXPECT_AVOCADO_ERROR(engine.ids(first), ErrorKind::usage, "no sequence");
  const ScopedSequence second(engine);
  EXPECT_EQ(second, first);
  EXPECT_TRUE(engine.ids(second).empty());
}

TEST_F(EngineTest, RefusesWhatItCannotRunAndStaysWhole) {
  EngineOptions options;
  options.context = 100;
  Engine engine(*model_, pool_, options);
  const ScopedSequence sequence(engine);
  const std::vector<int32_t> ids = test::random_ids(60, vocab_, 4);
  append(engine, sequence, ids);

  EXPECT_AVOCADO_ERROR(
      append(engine, sequence, ids), ErrorKind::usage,
      "the prompt has 120 tokens, but the context holds 100; the model was made for up to ");
  EXPECT_AVOCADO_ERROR(append(engine, sequence, std::vector<int32_t>{1, -1}), ErrorKind::usage,
                       "token id -1 is outside the vocabulary of");
  EXPECT_AVOCADO_ERROR(append(engine, sequence, std::vector<int32_t>{static_cast<int32_t>(vocab_)}),
                       ErrorKind::usage, "is outside the vocabulary of");
  EXPECT_AVOCADO_ERROR(append(engine, sequence, {}), ErrorKind::usage, "no tokens");
  EXPECT_AVOCADO_ERROR(append(engine, 17, ids), ErrorKind::usage, "no sequence 17");
  EXPECT_AVOCADO_ERROR(engine.truncate(sequence, 61), ErrorKind::usage, "cannot be cut to 61");
  const Engine::Input twice[] = {{sequence, std::span(ids).first(2), Want::last},
                                 {sequence, std::span(ids).first(2), Want::last}};
  EXPECT_AVOCADO_ERROR(engine.forward(twice, {}), ErrorKind::usage, "occurs twice");

  EXPECT_EQ(engine.ids(sequence), ids);
  append(engine, sequence, std::span(ids).first(40));  // fills the context exactly
  EXPECT_EQ(engine.ids(sequence).size(), 100u);
}

TEST_F(EngineTest, RefusesOptionsOutOfRange) {
  const auto with = [this](int64_t context, int64_t chunk, uint64_t cache) {
    EngineOptions options;
    options.context = context;
    options.chunk = chunk;
    options.cache_bytes = cache;
    return Engine(*model_, pool_, options);
  };
  EXPECT_AVOCADO_ERROR(with(1 << 20, 512, 0), ErrorKind::usage, "a context of 1048576 positions");
  EXPECT_AVOCADO_ERROR(with(-5, 512, 0), ErrorKind::usage, "a context of -5 positions");
  EXPECT_AVOCADO_ERROR(with(0, 0, 0), ErrorKind::usage, "the chunk size is 0");

  Engine small = with(0, 512, 1);
  const ScopedSequence sequence(small);
  EXPECT_AVOCADO_ERROR(append(small, sequence, std::vector<int32_t>{1}), ErrorKind::resource,
                       "key-value cache");
}

}  // namespace
}  // namespace avocado
