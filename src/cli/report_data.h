#pragma once
// Everything that the report of a training run shows, read from its folder.

#include <nlohmann/json.hpp>
#include <string>

namespace avocado::cli {

// The folder may be in use, stopped or finished; what it lacks is left out. Curves of many steps
// are thinned: a point then stands for several. Throws Error(input) when the folder is not a run.
nlohmann::ordered_json report_data(const std::string& folder);

}  // namespace avocado::cli
