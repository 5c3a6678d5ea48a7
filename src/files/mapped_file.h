#pragma once
// A file mapped read-only.

#include <cstddef>
#include <span>
#include <string>

namespace avocado {

class MappedFile {
 public:
  // Throws Error(input) when the file is missing, a folder, empty or cannot be mapped.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace avocado
