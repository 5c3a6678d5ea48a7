#pragma once
// Text from files made safe to show: names and values in a hostile file may hold control
// characters, terminal escape codes, direction overrides or invalid UTF-8.

#include <cstddef>
#include <string>
#include <string_view>

namespace avocado {

// Escapes everything that could disturb a terminal or a reader (\n, \x1b, \u{202e}, invalid bytes,
// the backslash itself), and ends with "..." after about `limit` characters.
std::string printable(std::string_view text, size_t limit = 200);

}  // namespace avocado
