#pragma once
// Trains a byte-level BPE vocabulary (Sennrich et al., 2016; byte level after GPT-2).
// Deterministic: the pair with the highest count is merged; ties go to the lower (left id, right
// id).

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace avocado {

struct BpeTrainerOptions {
  int32_t vocab_size = 1024;                     // 256 bytes + merges + special tokens
  int32_t max_token_bytes = 0;                   // longest token, 0: any
  std::string pre_tokenizer = "llama-bpe";       // a name that tokenizer.ggml.pre knows
  std::vector<std::string> special_tokens = {};  // appended last, as control tokens
  std::string bos = {}, eos = {};                // among special_tokens; may be empty
};

std::unique_ptr<Tokenizer> train_bpe(const std::vector<std::string_view>& texts,
                                     const BpeTrainerOptions& options);

}  // namespace avocado
