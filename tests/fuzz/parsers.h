#pragma once
// The parsers under attack, behind one signature.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "models/config.h"

namespace avocado::test {

struct Parser {
  const char* name;
  // Parses the bytes and uses what came out. Returns whether they were accepted; a refusal is an
  // avocado::Error, anything else that escapes is a bug.
  bool (*parse)(std::span<const std::byte>);
};

const std::vector<Parser>& parsers();

// Small valid files for the parser of that name, made by this program.
std::vector<std::vector<std::byte>> seeds(std::string_view parser);

// The model and the run whose checkpoints and logs are parsed.
const ModelConfig& tiny_config();
const graph::Graph& tiny_graph();
inline const std::string kDefinition = "definition";

}  // namespace avocado::test
