#pragma once
// Shared by the GGUF reader and the lookups; not for other rooms.

#include <algorithm>
#include <optional>

#include "files/gguf.h"
#include "files/mapped_file.h"

namespace avocado {

struct GgufFile::Impl {
  class Reader;  // in gguf_reader.cc

  std::optional<MappedFile> mapping;  // none when the bytes belong to the caller
  std::string path;
  uint32_t version = 0;
  uint64_t alignment = 32;
  uint64_t header_bytes = 0;  // metadata and tensor infos
  std::vector<std::pair<std::string_view, GgufValue>> metadata;
  std::vector<TensorView> tensors;
  std::vector<uint32_t> keys_sorted, names_sorted;  // indices in the order of their names

  void parse(std::span<const std::byte> bytes);
  const GgufValue* find(std::string_view key) const;
};

// Fills `index` with 0..count-1 in the order of name_of(i); returns a name that occurs twice.
template <class NameOf>
std::optional<std::string_view> index_by(std::vector<uint32_t>& index, size_t count,
                                         NameOf name_of) {
  index.resize(count);
  for (size_t i = 0; i < count; ++i) index[i] = static_cast<uint32_t>(i);
  std::sort(index.begin(), index.end(),
            [&](uint32_t a, uint32_t b) { return name_of(a) < name_of(b); });
  for (size_t i = 1; i < count; ++i) {
    if (name_of(index[i - 1]) == name_of(index[i])) return name_of(index[i]);
  }
  return std::nullopt;
}

// The place of `name` in an index made by index_by, or nothing.
template <class NameOf>
std::optional<uint32_t> find_in(const std::vector<uint32_t>& index, std::string_view name,
                                NameOf name_of) {
  const auto at =
      std::lower_bound(index.begin(), index.end(), name,
                       [&](uint32_t i, std::string_view wanted) { return name_of(i) < wanted; });
  if (at == index.end() || name_of(*at) != name) return std::nullopt;
  return *at;
}

}  // namespace avocado
