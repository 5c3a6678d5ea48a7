#pragma once
// The flags that make an answer follow a schema or a grammar, with the names of llama.cpp.

#include <CLI/CLI.hpp>
#include <string>

#include "infer/generate.h"
#include "text/tokenizer.h"

namespace avocado::cli {

struct StructureArguments {
  std::string schema, schema_file, grammar, grammar_file;
};

void add_structure_arguments(CLI::App& verb, StructureArguments& arguments);

// Throws Error(usage) naming the place when the schema or grammar is wrong or not supported.
void set_constraint(const StructureArguments& arguments, const Tokenizer& tokenizer,
                    GenerateOptions& options);

}  // namespace avocado::cli
