#pragma once
// Numbers as people read them.

#include <cstdint>
#include <string>

namespace avocado::cli {

std::string bytes_text(uint64_t bytes);     // "17 bytes", "1.50 GiB"
std::string count_text(double count);       // "950", "12.3k", "4.56M"
std::string duration_text(double seconds);  // "0:07", "1:02:03"

}  // namespace avocado::cli
