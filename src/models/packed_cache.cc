#include "models/packed_cache.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/memory_nodes.h"
#include "base/sha256.h"
#include "files/kept_files.h"
#include "models/packing.h"
#include "tensor/buffer.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".packed";
// Chunks compared at every start: enough to see a file that was not written through, little enough
// to take milliseconds. `avocado cache verify` compares all.
constexpr int64_t kSample = 64;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Digest identity_of(std::span<const ModelSource> sources, const std::string& configuration,
                   const std::string& layout) {
  Sha256 hash;
  hash.update(layout).update("\n").update(configuration).update("\n");
  for (const ModelSource& source : sources) {
    const FileStamp& stamp = source.stamp;
    hash.update(stamp.device).update(stamp.inode).update(stamp.size);
    hash.update(static_cast<uint64_t>(stamp.modified_ns));
    hash.update(source.header.size()).update(source.header);
  }
  return hash.digest();
}

// One name per place and layout: the file of a model that changed is replaced.
std::string file_name(const std::string& model, const std::string& layout) {
  return Sha256().update(model).update("\n").update(layout).hex().substr(0, 32) + kEnding;
}

std::optional<PackedFile> find(const std::string& path, ThreadPool& pool, const Digest& identity,
                               std::span<const PackedEntry> entries) try {
  PackedFile file = PackedFile::open(path);
  if (file.identity() != identity ||
      !std::equal(entries.begin(), entries.end(), file.entries().begin(), file.entries().end(),
                  [](const PackedEntry& a, const PackedEntry& b) { return a.same_matrix(b); }))
    return std::nullopt;
  file.check_contents(pool, kSample);
  file.fetch();
  return file;
} catch (const Error&) {
  return std::nullopt;
}

}  // namespace

PackedCache default_packed_cache() {
  PackedCache cache;
  const std::string use = variable("AVOCADO_PACKED_CACHE");
  if (use == "off") return cache;
  if (use == "always")
    cache.min_bytes = 0;
  else if (!use.empty() && use != "on")
    fail_usage("AVOCADO_PACKED_CACHE is {}; choose on, off or always", use);
  const fs::path own = variable("AVOCADO_CACHE_DIR"), xdg = variable("XDG_CACHE_HOME"),
                 home = variable("HOME");
  // As the XDG specification says, a relative path counts as none.
  const fs::path folder = !own.empty()         ? fs::absolute(own)
                          : xdg.is_absolute()  ? xdg / "avocado"
                          : home.is_absolute() ? home / ".cache" / "avocado"
                                               : fs::path();
  cache.folder = folder.string();
  return cache;
}

PackedWeights find_or_make_packed(const PackedCache& cache, ThreadPool& pool,
                                  std::span<const ModelSource> sources,
                                  const std::string& configuration,
                                  std::span<const PackedEntry> entries,
                                  const std::function<void(size_t, std::byte*)>& pack) {
  uint64_t bytes = 0, largest = 0;
  for (const PackedEntry& entry : entries) {
    bytes += entry.bytes;
    largest = std::max(largest, entry.bytes);
  }
  if (cache.folder.empty() || sources.empty() || bytes == 0 || bytes < cache.min_bytes) return {};

  std::error_code error;
  fs::path model = fs::canonical(sources.front().path, error);
  if (error) return {};
  const std::string layout = layout_of(entries);
  const Digest identity = identity_of(sources, configuration, layout);
  const fs::path folder(cache.folder);
  const std::string path = (folder / file_name(model.string(), layout)).string();
  const InterleavedPages interleaved;
  if (auto file = find(path, pool, identity, entries))
    return {PackedIn::found_file, std::move(file)};

  fs::create_directories(folder, error);
  if (error) return {};
  fs::remove(path, error);  // its room is needed
  remove_abandoned(folder, kEnding);
  if (!has_room(folder, bytes)) return {};
  try {
    PackedFileWriter writer(path, identity, model.string());
    Buffer<std::byte> packed(largest);
    for (size_t i = 0; i < entries.size(); ++i) {
      pack(i, packed.data());
      writer.add(pool, entries[i], {packed.data(), entries[i].bytes});
    }
    writer.commit();
  } catch (const Error& failure) {
    // The folder cannot be written to, or the disk is full.
    if (failure.kind() != ErrorKind::resource) throw;
    return {};
  }
  auto file = find(path, pool, identity, entries);
  return {file ? PackedIn::new_file : PackedIn::memory, std::move(file)};
}

std::vector<CachedModel> list_packed(const std::string& folder) {
  std::vector<CachedModel> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const bool abandoned = is_abandoned(entry, kEnding);
    if (!abandoned && entry.path().extension() != kEnding) continue;
    CachedModel cached;
    cached.path = entry.path().string();
    cached.bytes = entry.file_size(error);
    if (abandoned) {
      cached.problem = cached.path + ": was left by a process that was killed";
    } else {
      try {
        cached.model = PackedFile::open(cached.path).model();
      } catch (const Error& failure) {
        cached.problem = failure.what();
      }
    }
    all.push_back(std::move(cached));
  }
  std::sort(all.begin(), all.end(),
            [](const CachedModel& a, const CachedModel& b) { return a.path < b.path; });
  return all;
}

}  // namespace avocado
