#pragma once
// The flags that change how positions are turned, with the names of llama.cpp.

#include <CLI/CLI.hpp>

#include "models/rope_options.h"

namespace avocado::cli {

// Sets all of `options` but the context.
void add_rope_arguments(CLI::App& verb, RopeOptions& options);

}  // namespace avocado::cli
