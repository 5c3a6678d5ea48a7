#pragma once
// A file read from its start to its end, decompressed on the way when its name says so.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace avocado {

enum class Compression { none, gzip, zstd };

// By the ending of the name: .gz, .zst, or neither.
Compression compression_of(std::string_view path);

class InputStream {
 public:
  explicit InputStream(const std::string& path) : InputStream(path, compression_of(path)) {}
  // Throws Error(input) when the file cannot be opened.
  InputStream(const std::string& path, Compression compression);
  ~InputStream();
  InputStream(InputStream&&) noexcept;

  // Fills the buffer as far as the content reaches; fewer bytes than asked for are the last ones.
  // Throws Error(input), naming the file, when it cannot be read, is damaged or cut off.
  size_t read(std::span<char> buffer);
  // Bytes taken from the file as it is stored.
  uint64_t position() const;

 private:
  class Source;
  class Plain;
  class Gzip;
  class Zstd;
  std::unique_ptr<Source> source_;
};

}  // namespace avocado
