#pragma once
// Patterns over names.

#include <string_view>

namespace avocado {

// Whether `pattern` means all of `text`: any number of *, each for any characters, the rest as it
// is. The work is bounded by the product of the lengths.
bool wildcard_matches(std::string_view pattern, std::string_view text);

}  // namespace avocado
