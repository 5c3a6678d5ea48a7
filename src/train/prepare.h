#pragma once
// From a recipe to a run folder: reads the sources, makes or reads the tokenizer, packs the data.

#include <string>

#include "base/thread_pool.h"
#include "train/recipe.h"
#include "train/run.h"

namespace avocado {

// Throws Error(input) when a source, the tokenizer or the base model cannot be used.
void create_run(const std::string& folder, const Recipe& recipe, const std::string& recipe_text,
                ThreadPool& pool);

// Throws Error(input) when `run` was made from another recipe, or when a source file has changed
// since (one that is gone is no hindrance: the folder holds its own copy of the data).
void require_same_recipe(const Run& run, const Recipe& recipe);

}  // namespace avocado
