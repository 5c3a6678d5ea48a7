#include "models/packed_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace avocado {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is mapped as it is");

constexpr char kMagic[8] = {'A', 'V', 'O', 'P', 'A', 'C', 'K', '1'};

// The last bytes of a file. The digest is over the table and what stands before it here.
struct Trailer {
  char magic[8];
  uint64_t file_bytes, table_offset, table_bytes;
  Digest digest;
};
static_assert(sizeof(Trailer) == 64);

struct TableHead {
  Digest identity;
  uint64_t chunk_bytes, entries, model_bytes;
};
static_assert(sizeof(TableHead) == 56);

struct TableEntry {
  uint32_t weight, type;
  uint64_t rows, cols, bytes, offset;
};
static_assert(sizeof(TableEntry) == 40);

constexpr uint64_t kMaxModelPath = 4096;
// The system keeps a file in pages as large as the writes and reads that brought it in, so whole
// aligned blocks of this size become huge pages.
constexpr size_t kBlock = size_t{2} << 20;

uint64_t chunks_of(uint64_t bytes) { return (bytes + kPackedChunk - 1) / kPackedChunk; }

Digest digest_of(std::span<const std::byte> table, const Trailer& trailer) {
  const auto before = std::as_bytes(std::span(&trailer, 1)).first(offsetof(Trailer, digest));
  return Sha256().update(table).update(before).digest();
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

PackedFile PackedFile::open(const std::string& path) {
  PackedFile file;
  file.path_ = path;
  file.mapping_.emplace(path);
  file.read(file.mapping_->bytes());
  return file;
}

PackedFile PackedFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  PackedFile file;
  file.path_ = name;
  file.read(bytes);
  return file;
}

void PackedFile::read(std::span<const std::byte> bytes) {
  const auto fail = [&](const char* what) {
    fail_input("{}: {}; delete the file, it will be made again", path_, what);
  };
  Trailer trailer;
  if (bytes.size() < sizeof trailer) fail("is too short for packed weights");
  std::memcpy(&trailer, bytes.last(sizeof trailer).data(), sizeof trailer);
  if (std::memcmp(trailer.magic, kMagic, sizeof kMagic) != 0)
    fail("does not end as packed weights of this version do");
  if (trailer.file_bytes != bytes.size()) fail("has not the size that it states");
  const uint64_t before_trailer = bytes.size() - sizeof trailer;
  if (trailer.table_offset > before_trailer ||
      trailer.table_bytes != before_trailer - trailer.table_offset)
    fail("has a table that does not end where the trailer begins");
  auto table = bytes.subspan(trailer.table_offset, trailer.table_bytes);
  if (digest_of(table, trailer) != trailer.digest) fail("has a damaged table");

  // What follows holds for every file that write() made; it is checked because a digest is no
  // proof of who made it.
  const auto take = [&](uint64_t count) {
    if (count > table.size()) fail("has a table that ends too early");
    const auto taken = table.first(count);
    table = table.subspan(count);
    return taken;
  };
  TableHead head;
  std::memcpy(&head, take(sizeof head).data(), sizeof head);
  if (head.chunk_bytes != kPackedChunk) fail("has chunks of another size");
  if (head.model_bytes > kMaxModelPath) fail("has a path that is too long");
  if (head.entries > table.size() / sizeof(TableEntry)) fail("has more entries than bytes");
  const auto model = take(head.model_bytes);
  uint64_t end = 0, chunks = 0;
  std::vector<PackedEntry> entries;
  entries.reserve(head.entries);
  for (uint64_t i = 0; i < head.entries; ++i) {
    TableEntry entry;
    std::memcpy(&entry, take(sizeof entry).data(), sizeof entry);
    constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (entry.rows > kMax || entry.cols > kMax) fail("has an entry of a senseless shape");
    if (entry.bytes == 0 || entry.offset % kPackedAlignment != 0 || entry.offset < end ||
        entry.offset > trailer.table_offset || entry.bytes > trailer.table_offset - entry.offset)
      fail("has an entry that does not lie in the file, behind the one before");
    end = entry.offset + entry.bytes;
    chunks += chunks_of(entry.bytes);
    entries.push_back({.weight = entry.weight,
                       .type = static_cast<DType>(entry.type),
                       .rows = static_cast<int64_t>(entry.rows),
                       .cols = static_cast<int64_t>(entry.cols),
                       .bytes = entry.bytes,
                       .offset = entry.offset});
  }
  if (table.size() != chunks * sizeof(Digest)) fail("has not one digest for each chunk");

  bytes_ = bytes;
  identity_ = head.identity;
  model_.assign(reinterpret_cast<const char*>(model.data()), model.size());
  entries_ = std::move(entries);
  digests_ = table;
}

void PackedFile::check_contents(ThreadPool& pool, std::optional<int64_t> sample) const {
  std::vector<std::span<const std::byte>> chunks;
  for (const PackedEntry& entry : entries_)
    for (auto left = data(entry); !left.empty();) {
      chunks.push_back(left.first(std::min<size_t>(left.size(), kPackedChunk)));
      left = left.subspan(chunks.back().size());
    }
  const auto all = static_cast<int64_t>(chunks.size());
  const int64_t count = std::min(all, sample.value_or(all));
  pool.run(count, [&](int64_t i) {
    // With one chunk or more, the first and the last are among them.
    const auto chunk = static_cast<size_t>(count > 1 ? i * (all - 1) / (count - 1) : 0);
    const Digest digest = Sha256().update(chunks[chunk]).digest();
    if (std::memcmp(digest.data(), digests_.data() + chunk * sizeof digest, sizeof digest) != 0)
      fail_input("{}: the bytes from {} on are damaged; delete the file, it will be made again",
                 path_, chunks[chunk].data() - bytes_.data());
  });
}

PackedFileWriter::PackedFileWriter(const std::string& path, const Digest& identity,
                                   const std::string& model)
    : file_(path), identity_(identity), model_(model.substr(0, kMaxModelPath)) {}

void PackedFileWriter::put(std::span<const std::byte> bytes) {
  position_ += bytes.size();
  if (!pending_.empty()) {
    const auto head = bytes.first(std::min(bytes.size(), kBlock - pending_.size()));
    pending_.insert(pending_.end(), head.begin(), head.end());
    bytes = bytes.subspan(head.size());
    if (pending_.size() < kBlock) return;
    file_.write(pending_);
  }
  const size_t whole = bytes.size() / kBlock * kBlock;
  file_.write(bytes.first(whole));
  pending_.assign(bytes.begin() + static_cast<ptrdiff_t>(whole), bytes.end());
}

void PackedFileWriter::pad() {
  static constexpr std::byte kZeros[kPackedAlignment] = {};
  put(std::span(kZeros, -position_ % kPackedAlignment));
}

void PackedFileWriter::add(ThreadPool& pool, PackedEntry entry, std::span<const std::byte> packed) {
  pad();
  entry.offset = position_;
  entry.bytes = packed.size();
  entries_.push_back(entry);
  const size_t first = digests_.size();
  digests_.resize(first + chunks_of(packed.size()));
  pool.run_chunks(
      static_cast<int64_t>(packed.size()), kPackedChunk, [&](int64_t begin, int64_t end) {
        digests_[first + static_cast<size_t>(begin) / kPackedChunk] =
            Sha256()
                .update(
                    packed.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)))
                .digest();
      });
  put(packed);
}

void PackedFileWriter::commit() {
  pad();
  std::vector<std::byte> table;
  const auto append = [&](std::span<const std::byte> bytes) {
    table.insert(table.end(), bytes.begin(), bytes.end());
  };
  append(bytes_of(TableHead{identity_, kPackedChunk, entries_.size(), model_.size()}));
  append(std::as_bytes(std::span(model_)));
  for (const PackedEntry& entry : entries_)
    append(bytes_of(TableEntry{entry.weight, static_cast<uint32_t>(entry.type),
                               static_cast<uint64_t>(entry.rows), static_cast<uint64_t>(entry.cols),
                               entry.bytes, entry.offset}));
  append(std::as_bytes(std::span(digests_)));
  Trailer trailer{.magic = {},
                  .file_bytes = position_ + table.size() + sizeof(Trailer),
                  .table_offset = position_,
                  .table_bytes = table.size(),
                  .digest = {}};
  std::memcpy(trailer.magic, kMagic, sizeof kMagic);
  trailer.digest = digest_of(table, trailer);
  put(table);
  put(bytes_of(trailer));
  file_.write(pending_);
  file_.commit();
}

}  // namespace avocado
