#pragma once
// The choice of tokens by names, as /set parameter and saved conversations give them. The names are
// those of Ollama, and for the others those of the flags.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "infer/generate.h"

namespace avocado::cli {

std::vector<std::string> parameter_names();

// Throws Error(usage), with `options` as they were, for a name that is not known and for a value
// that is no such value or out of its range. `stop` takes one text, or several in double quotes.
void set_parameter(GenerateOptions& options, std::string_view name, std::string_view value);

// {"temperature": 0.8, ...}: all of them, and back. Reading throws as above; what is not named
// stays.
nlohmann::ordered_json parameters_json(const GenerateOptions& options);
void read_parameters(GenerateOptions& options, const nlohmann::ordered_json& parameters);

}  // namespace avocado::cli
