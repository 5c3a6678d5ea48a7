#pragma once
// A tokenizer of 300 tokens with the markers of the program's own chat format.

#include <memory>

#include "text/bpe_trainer.h"

namespace avocado::test {

inline std::unique_ptr<Tokenizer> chat_tokenizer() {
  BpeTrainerOptions trainer;
  trainer.vocab_size = 300;
  trainer.special_tokens = {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
                            "<|eot_id|>"};
  trainer.bos = "<|begin_of_text|>";
  trainer.eos = "<|eot_id|>";
  return train_bpe({"the quick brown fox jumps over the lazy dog, the fox"}, trainer);
}

}  // namespace avocado::test
