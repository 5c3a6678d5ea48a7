#pragma once
// Packed weights are kept in the user's cache folder, one file per model and layout, so that the
// second start maps what the first one made. Safe to delete at any time: a file that is missing,
// damaged, or made from another version of the model is made again, and where that fails, for
// whatever reason, the weights are packed in memory.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "files/mapped_file.h"
#include "models/packed_file.h"

namespace avocado {

struct PackedCache {
  std::string folder;  // empty: nothing is kept
  // Smaller models are packed faster than a file is found and checked.
  uint64_t min_bytes = 64 << 20;
};

// $AVOCADO_CACHE_DIR, or avocado in $XDG_CACHE_HOME or ~/.cache. AVOCADO_PACKED_CACHE=off keeps
// nothing, always keeps small models too; any other value but `on` is an Error(usage).
PackedCache default_packed_cache();

// Whether the packed weights are in memory, in a file made by this start, or in one found.
enum class PackedIn { memory, new_file, found_file };

struct PackedWeights {
  PackedIn where = PackedIn::memory;
  std::optional<PackedFile> file;  // none when they are to be packed in memory
};

// Finds or makes the file for these matrices (`offset` is ignored) of a model made of `sources`;
// `configuration` is whatever else the order of the bytes depends on. pack(i, memory) fills entry
// i. Errors of the cache are not the caller's; those of pack are.
PackedWeights find_or_make_packed(const PackedCache& cache, ThreadPool& pool,
                                  std::span<const ModelSource> sources,
                                  const std::string& configuration,
                                  std::span<const PackedEntry> entries,
                                  const std::function<void(size_t, std::byte*)>& pack);

// What the folder holds, but for what is being written just now.
struct CachedModel {
  std::string path;
  uint64_t bytes = 0;
  std::string model;    // path of what it was made from; empty when damaged
  std::string problem;  // why it cannot be used, with its path; empty when it can
};
std::vector<CachedModel> list_packed(const std::string& folder);

}  // namespace avocado
