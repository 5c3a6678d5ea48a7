#pragma once
// Sets of CPUs and of memory nodes as the kernel writes them: "0-2,4".

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace avocado {

// "0-2,4" is {0, 1, 2, 4}; nothing when it cannot be read.
std::vector<int> parse_id_list(std::string_view list);
// Of ascending ids.
std::string format_id_list(std::span<const int> ids);

}  // namespace avocado
