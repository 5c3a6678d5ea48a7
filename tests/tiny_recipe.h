#pragma once
// The tables of a run.toml that say what is trained: a model so small that it takes a moment.

#include <string>

namespace avocado::test {

inline const std::string kTinyModelTables = R"([model]
architecture = "llama"
width = 32
layers = 2
heads = 2
kv_heads = 1
ffn = 64
context = 32
tied = true
[tokenizer]
train = { vocab_size = 300 }
)";

}  // namespace avocado::test
