#pragma once
// Files appear whole or not at all: written to a temporary name beside the target, fsynced,
// renamed, and the folder fsynced. Destroyed before commit(), the temporary file is removed. A
// process killed in between leaves at most a file named TARGET.tmp-PID-N; the target is untouched.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace avocado {

class AtomicFile {
 public:
  // A device or a pipe (/dev/stdout) is written to directly.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throws Error(resource), naming file and cause (disk full, ...), on failure.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  std::string path_, temporary_;  // temporary_ is empty when nothing is to be renamed or removed
  int fd_ = -1;
};

void write_file_atomically(const std::string& path, std::string_view text);
// Whole file as text; throws Error(input) when it cannot be read or is larger than `limit`.
std::string read_text_file(const std::string& path, uint64_t limit = uint64_t{1} << 32);

}  // namespace avocado
