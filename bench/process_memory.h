#pragma once
// The memory of this process, as Linux tells it.

#include <fstream>
#include <string>

namespace avocado {

// Bytes, from a line such as "VmHWM:  123 kB" of /proc/self/status; 0 when there is none. VmHWM is
// the peak of this program alone; getrusage would add what its parent had before it started it.
inline double status_bytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":")) return 1024 * std::stod(line.substr(key.size() + 1));
  return 0;
}

}  // namespace avocado
