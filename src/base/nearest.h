#pragma once
// What somebody may have meant.

#include <string>
#include <string_view>
#include <vector>

namespace avocado {

// The name that the fewest typing errors turn into `word`; the first of several. `names` has some.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

// The nearest name when it is so near that `word` is likely a slip of it: at most one typing error
// in three letters. Empty otherwise.
std::string likely_meant(std::string_view word, const std::vector<std::string>& names);

}  // namespace avocado
