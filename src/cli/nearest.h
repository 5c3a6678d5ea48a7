#pragma once
// What somebody may have meant.

#include <string>
#include <string_view>
#include <vector>

namespace avocado::cli {

// The name that the fewest typing errors turn into `word`; the first of several. `names` has some.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace avocado::cli
