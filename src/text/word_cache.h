#pragma once
// Remembers the words of the text being encoded: what a word became stands in the output already.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace avocado {

class WordCache {
 public:
  // For one text of `size` bytes, which must stay where it is, and one output that only grows.
  explicit WordCache(size_t size)
      : entries_(size < 64 ? 0 : std::clamp<size_t>(std::bit_ceil(size / 8), 16, 1 << 15)) {}

  // Appends the ids of a word seen before; false when it is not remembered.
  bool copy(std::string_view word, uint64_t hash, std::vector<int32_t>& out) const {
    if (entries_.empty()) return false;
    const Entry& entry = entries_[hash & (entries_.size() - 1)];
    if (entry.hash != hash || entry.length != word.size() ||
        std::memcmp(entry.word, word.data(), word.size()) != 0)
      return false;
    const size_t end = out.size();
    out.resize(end + entry.count);
    for (size_t i = 0; i < entry.count; ++i) out[end + i] = out[entry.begin + i];
    return true;
  }
  // The word became out[begin, end).
  void store(std::string_view word, uint64_t hash, size_t begin, const std::vector<int32_t>& out) {
    if (!entries_.empty())
      entries_[hash & (entries_.size() - 1)] = {hash, word.data(), word.size(), begin,
                                                out.size() - begin};
  }

 private:
  struct Entry {
    uint64_t hash = 0;
    const char* word = nullptr;
    size_t length = 0;
    size_t begin = 0, count = 0;
  };
  std::vector<Entry> entries_;
};

}  // namespace avocado
