#pragma once
// What `avocado demo` trains: everything that decides the bits of its model, in one place.

#include <string>
#include <vector>

#include "corpus/corpus.h"
#include "models/config.h"
#include "text/tokenizer.h"
#include "train/dataset.h"
#include "train/trainer.h"

namespace avocado::cli {

inline constexpr uint64_t kDemoCorpusSeed = 1;

struct DemoRecipe {
  const char* name;
  ModelConfig model;
  TrainOptions train;
  int64_t row_tokens;        // inputs per row of the data
  uint64_t items;            // of the training mixture
  uint64_t tokenizer_items;  // of them, those the tokenizer is trained on
  uint64_t questions;        // asked per task and language
  const char* recorded;      // SHA-256 of the weights after training, as this project published it
};

// The whole demo, and a short one for slow instruction sets and emulators.
const DemoRecipe& full_demo();
const DemoRecipe& quick_demo();

std::unique_ptr<Tokenizer> demo_tokenizer(const DemoRecipe& recipe);

// The training items as conversations; the answers are learned.
std::vector<Document> demo_documents(const DemoRecipe& recipe, const Tokenizer& tokenizer);

}  // namespace avocado::cli
