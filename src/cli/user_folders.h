#pragma once
// Where a user's files are, by the XDG specification.

#include <string>

namespace avocado::cli {

// $XDG_STATE_HOME/avocado, or ~/.local/state/avocado; empty without a home.
std::string state_folder();
// $XDG_DATA_HOME/avocado, or ~/.local/share/avocado; empty without a home.
std::string data_folder();
// `path` with the user's home in place of a ~ at its beginning.
std::string with_home(const std::string& path);

}  // namespace avocado::cli
