#pragma once
// The model of a run that names none.

#include <string>

namespace avocado::cli {

// The newest of what `avocado demo` and `make demo` write, in this folder, and what was put into
// the user's data folder under the same name. Throws Error(usage) saying where it was sought.
std::string find_demo_model();

}  // namespace avocado::cli
