#pragma once
// run.toml: what `avocado train` is asked to do. Strict: an unknown key, a wrong type, a number out
// of range or a missing key throws Error(input) with file, line and column. docs/formats/run.md
// lists the keys.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/config.h"
#include "train/data_options.h"
#include "train/spike.h"
#include "train/trainer.h"

namespace avocado {

// When to do what beside the steps; changes nothing of the result, so a resumed run may have
// others.
struct RunOptions {
  int64_t eval_every = 0;                 // steps, 0: never
  int64_t eval_rows = 64;                 // rows of the evaluation data, from its start
  int64_t checkpoint_every = 100;         // steps; the last step always has one
  int64_t keep = 3;                       // newest checkpoints that stay on disk
  std::vector<std::string> samples = {};  // prompts that the model continues now and then
  int64_t sample_every = 0;               // steps, and after the last one; 0: never
  int64_t sample_tokens = 64;             // most of one continuation
  double sample_temperature = 0;          // 0: the likeliest token
  SpikeOptions spike{};
  bool recompute = false;  // run layers again for their backward: less memory, slower
  uint64_t memory = 0;     // bytes the run may take at most, 0: what the machine has
};

struct Recipe {
  std::string folder;  // of the recipe: relative paths start there

  std::string base;   // [model] base: a model whose weights are trained on; empty: fresh weights
  ModelConfig model;  // otherwise; its vocab is the tokenizer's and 0 here

  std::optional<AdapterOptions> adapter;  // [adapter]: the base stays as it is, this is trained

  std::string tokenizer_file;   // [tokenizer] file: a GGUF, a tokenizer.json or its folder
  int64_t tokenizer_vocab = 0;  // [tokenizer] train: size of the vocabulary to make, 0: none
  int64_t tokenizer_bytes = 0;  // longest token of it, 0: any
  std::string tokenizer_pre = "llama-bpe";  // how text is cut before it is merged
  DataOptions data;

  TrainOptions options;
  RunOptions run;

  std::string resolve(const std::string& path) const;
};

// `source` names the text in messages.
Recipe parse_recipe(const std::string& text, const std::string& source);
Recipe load_recipe(const std::string& path);

// Everything that defines the result, in one normal form; RunOptions are not in it.
nlohmann::ordered_json recipe_to_json(const Recipe& recipe);

}  // namespace avocado
