#pragma once
// A file mapped read-only.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace avocado {

// Which file, and which of its versions, as far as the file system tells without reading it.
struct FileStamp {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified_ns = 0;
};

// A file of a model: its stamp when it was mapped, and the bytes that describe its tensors.
struct ModelSource {
  std::string path;
  FileStamp stamp;
  std::span<const std::byte> header;
};

class MappedFile {
 public:
  // Throws Error(input) when the file is missing, a folder, empty or cannot be mapped.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  const FileStamp& stamp() const { return stamp_; }

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  FileStamp stamp_;
};

// Brings all of a MappedFile into memory now, in huge pages where the file system can: for what
// will be read whole and often.
void fetch_pages(std::span<const std::byte> mapped);

// Gives the pages that lie wholly or partly in these bytes of a MappedFile back to the system; what
// is read of them later comes from the file again.
void release_pages(std::span<const std::byte> mapped);

}  // namespace avocado
