#pragma once

#include <string>

namespace avocado::cli {

// A file's bytes as they are; "-" is standard input. Throws Error(input) for what cannot be read.
std::string read_bytes(const std::string& path);

}  // namespace avocado::cli
