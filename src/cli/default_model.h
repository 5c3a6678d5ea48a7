#pragma once
// The model of a run that names none.

#include <string>
#include <vector>

namespace avocado::cli {

// The newest of what `avocado demo` and `make demo` write, in this folder, and what was put into
// the user's data folder under the same name; where there is none, the model that comes with the
// program. Throws Error(usage) saying where it was sought.
std::string find_default_model();

// Where avocado-nano.gguf may be, for a program in this folder: where `make install` puts it, and
// in the source tree that holds the folder.
std::vector<std::string> shipped_model_places(const std::string& program_folder);

}  // namespace avocado::cli
