#pragma once
// The flag that puts adapters on a model, with the name of llama.cpp.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "models/model.h"

namespace avocado::cli {

// --lora FILE[:SCALE], which may be given several times.
void add_lora_arguments(CLI::App& verb, std::vector<std::string>& adapters);

// Reads adapters given so. Throws Error(usage) when a scale is no number.
std::vector<ScaledAdapter> load_adapters(const std::vector<std::string>& adapters,
                                         const Model& model);

// The model with its adapters.
Model load_model(const std::string& path, const std::vector<std::string>& adapters,
                 const RopeOptions& rope, ThreadPool& pool);

}  // namespace avocado::cli
