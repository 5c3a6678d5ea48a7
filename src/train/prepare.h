#pragma once
// From a recipe to a run folder: makes or reads the tokenizer, prepares the data, writes the
// folder.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "chat/chat_template.h"
#include "models/model.h"
#include "train/prepare_data.h"
#include "train/recipe.h"
#include "train/run.h"

namespace avocado {

// What a run has before its data: the base model, or a tokenizer for a fresh one.
struct RunBasis {
  ModelConfig config;
  std::optional<Model> base;
  std::unique_ptr<Tokenizer> made;       // of a fresh model
  const Tokenizer* tokenizer = nullptr;  // of either
  std::string chat_template;             // may be empty
  std::optional<ChatTemplate> chat;      // the same, read
  int64_t row_tokens = 0;
};

// Throws Error(input) when the tokenizer, the base model or what a tokenizer is made from cannot be
// used.
RunBasis read_basis(const Recipe& recipe, ThreadPool& pool);

// Tokenizes and packs what the recipe names, into shards in `folder`.
PreparedData prepare_data(const Recipe& recipe, const RunBasis& basis, const std::string& folder,
                          ThreadPool& pool, const DataObserver& observer = {});

// Throws Error(input) when a source, the tokenizer or the base model cannot be used.
void create_run(const std::string& folder, const Recipe& recipe, const std::string& recipe_text,
                ThreadPool& pool, const DataObserver& observer = {});

// Throws Error(input) when `run` was made from another recipe, or when a source file has changed
// since (one that is gone is no hindrance: the folder holds its own copy of the data).
void require_same_recipe(const Run& run, const Recipe& recipe);

}  // namespace avocado
