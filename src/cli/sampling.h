#pragma once
// The flags that say how tokens are chosen and where an answer ends, with the names of llama.cpp.

#include <CLI/CLI.hpp>

#include "infer/generate.h"

namespace avocado::cli {

void add_sampling_arguments(CLI::App& verb, GenerateOptions& options);

}  // namespace avocado::cli
