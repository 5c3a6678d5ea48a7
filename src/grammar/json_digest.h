#pragma once
// Equal JSON values have equal digests, however they are written.

#include <cstdint>
#include <string_view>

namespace avocado::grammar {

// Of a valid JSON text.
uint64_t json_digest(std::string_view text);

}  // namespace avocado::grammar
