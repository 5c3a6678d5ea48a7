#pragma once
// A file of matrices as the kernels read them, mapped when a model starts. Layout in
// docs/formats/packed.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "base/thread_pool.h"
#include "files/atomic_file.h"
#include "files/mapped_file.h"
#include "tensor/dtype.h"

namespace avocado {

struct PackedEntry {
  uint32_t weight = 0;      // index into graph.weights
  DType type = DType::f32;  // what the kernels take the matrix for
  int64_t rows = 0, cols = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;  // in the file, a multiple of kPackedAlignment

  // Whether both hold the same matrix, wherever it lies.
  bool same_matrix(const PackedEntry& other) const {
    return weight == other.weight && type == other.type && rows == other.rows &&
           cols == other.cols && bytes == other.bytes;
  }
};

constexpr uint64_t kPackedAlignment = 4096;
constexpr uint64_t kPackedChunk = 256 << 10;  // bytes of an entry that share a digest

class PackedFile {
 public:
  // Maps the file and checks its table, its own digest included, before anything of it is used.
  // Throws Error(input).
  static PackedFile open(const std::string& path);
  // The same over bytes in memory, which must outlive the file.
  static PackedFile parse(std::span<const std::byte> bytes, const std::string& name);

  const std::string& path() const { return path_; }
  uint64_t size() const { return bytes_.size(); }
  // What the matrices were made from: a digest that its maker chose, and the model's path.
  const Digest& identity() const { return identity_; }
  const std::string& model() const { return model_; }
  const std::vector<PackedEntry>& entries() const { return entries_; }
  std::span<const std::byte> data(const PackedEntry& entry) const {
    return bytes_.subspan(entry.offset, entry.bytes);
  }

  // Brings the whole file into memory, see files/mapped_file.h.
  void fetch() const { fetch_pages(bytes_); }
  // Compares the digests of all chunks, or of at most `sample` that are spread evenly. Throws
  // Error(input) naming the chunk.
  void check_contents(ThreadPool& pool, std::optional<int64_t> sample = std::nullopt) const;

 private:
  void read(std::span<const std::byte> bytes);

  std::string path_, model_;
  std::optional<MappedFile> mapping_;
  std::span<const std::byte> bytes_;
  Digest identity_{};
  std::vector<PackedEntry> entries_;
  std::span<const std::byte> digests_;  // of all chunks, entry after entry
};

// Writes such a file from front to back; without commit() nothing is left of it.
class PackedFileWriter {
 public:
  PackedFileWriter(const std::string& path, const Digest& identity, const std::string& model);

  // `entry.offset` is chosen here. Throws Error(resource).
  void add(ThreadPool& pool, PackedEntry entry, std::span<const std::byte> packed);
  void commit();

 private:
  void put(std::span<const std::byte> bytes);
  void pad();

  AtomicFile file_;
  std::vector<std::byte> pending_;  // the begun block, not yet written
  Digest identity_;
  std::string model_;
  uint64_t position_ = 0;  // in the file, with what is pending
  std::vector<PackedEntry> entries_;
  std::vector<Digest> digests_;
};

}  // namespace avocado
