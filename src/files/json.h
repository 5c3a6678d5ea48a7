#pragma once
// JSON from outside: strict, and bounded in depth, string length and memory.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace avocado {

struct JsonLimits {
  size_t depth = 64;
  size_t string_bytes = size_t{1} << 20;  // of one string, as written
  uint64_t memory = uint64_t{48} << 20;   // for the values, above the size of the text
};

// Parses `text`; `name` is used in messages. Throws Error(input) for what is not JSON (RFC 8259,
// UTF-8), for a key that occurs twice in an object, and for what exceeds the limits.
nlohmann::json parse_json(std::string_view text, const std::string& name,
                          const JsonLimits& limits = {});

// The same, with the members of objects in the order they were written.
nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& name,
                                          const JsonLimits& limits = {});

}  // namespace avocado
