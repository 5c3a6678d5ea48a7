#pragma once
// What tests of answers stand on: an engine over a tiny model of random weights, with a tokenizer.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "infer/generate.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "tiny_model.h"

namespace avocado::test {

class TinyEngineTest : public testing::Test {
 protected:
  // The tokenizer has 300 tokens at most, the first merges of `text`; the model has seven logits
  // more, as published models are padded.
  explicit TinyEngineTest(int64_t context = 120,
                          const std::string& text = "to be or not to be, that is the question") {
    BpeTrainerOptions trainer;
    trainer.vocab_size = 300;
    trainer.special_tokens = {"<|begin|>", "<|end|>"};
    trainer.bos = "<|begin|>";
    trainer.eos = "<|end|>";
    const auto tokenizer = train_bpe({text}, trainer);
    ModelConfig config = architecture("qwen3", "test").tiny();
    config.vocab = tokenizer->vocab_size() + 7;
    config.context = context;
    const std::string path = folder_.file("tiny.gguf");
    write_tiny_model(config, path, tokenizer.get());
    model_.emplace(Model::load(path, pool_));
    engine_.emplace(*model_, pool_);
  }

  const Tokenizer& tokenizer() const { return *model_->tokenizer(); }
  // Answers in a sequence of its own.
  Completion answer(std::span<const int32_t> prompt, const GenerateOptions& options,
                    const GenerateHooks& hooks = {}) {
    const ScopedSequence sequence(*engine_);
    return generate(*engine_, sequence, prompt, options, hooks);
  }

  TempFolder folder_;
  ThreadPool pool_{2};
  std::optional<Model> model_;
  std::optional<Engine> engine_;
};

}  // namespace avocado::test
