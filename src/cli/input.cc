#include "cli/input.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "files/printable.h"

namespace avocado::cli {

std::string read_bytes(const std::string& path) {
  struct Close {
    void operator()(std::FILE* f) const {
      if (f != stdin) std::fclose(f);
    }
  };
  const std::unique_ptr<std::FILE, Close> file(path == "-" ? stdin
                                                           : std::fopen(path.c_str(), "rb"));
  if (!file || std::filesystem::is_directory(path))
    fail_input("{}: cannot be read; give a file, or - for standard input", printable(path));
  std::string bytes;
  char block[65536];
  for (size_t count; (count = std::fread(block, 1, sizeof block, file.get())) > 0;)
    bytes.append(block, count);
  if (std::ferror(file.get())) fail_input("{}: reading failed", printable(path));
  return bytes;
}

}  // namespace avocado::cli
