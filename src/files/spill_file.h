#pragma once
// Bytes that are too many for memory, kept in a nameless file until they are read again: nothing of
// it is left behind, however the process ends.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace avocado {

class SpillFile {
 public:
  // In this folder. Throws Error(resource) when no file can be made there.
  explicit SpillFile(const std::string& folder);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  // Throws Error(resource) when the disk is full.
  void append(std::span<const std::byte> bytes);
  // All bytes in order, in pieces of up to a MiB.
  void read(const std::function<void(std::span<const std::byte>)>& visit);
  // The file with all bytes in it, which is the caller's to close; nothing else may follow.
  int release();

 private:
  void flush();

  std::string folder_;
  int fd_ = -1;
  uint64_t written_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace avocado
