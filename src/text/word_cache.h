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
  // For words of up to kLongest bytes of one text, which must stay where it is, and for one output,
  // which only grows.
  WordCache(std::string_view text, const std::vector<int32_t>& out)
      : text_(text.data()),
        first_(out.size()),
        entries_(text.size() < 64 || text.size() > UINT32_MAX
                     ? 0
                     : std::clamp<size_t>(std::bit_ceil(text.size() / 8), 16, 1 << 15)) {}

  // Appends the ids of a word seen before; false when it is not remembered.
  bool copy(std::string_view word, uint64_t hash, std::vector<int32_t>& out) const {
    if (entries_.empty() || word.size() > kLongest) return false;
    const Entry& entry = entries_[hash & (entries_.size() - 1)];
    if (entry.tag != static_cast<uint32_t>(hash >> 32) || entry.length != word.size() ||
        std::memcmp(text_ + entry.word, word.data(), word.size()) != 0)
      return false;
    const size_t end = out.size();
    out.resize(end + entry.count);
    for (size_t i = 0; i < entry.count; ++i) out[end + i] = out[first_ + entry.begin + i];
    return true;
  }
  // The word became out[begin, end).
  void store(std::string_view word, uint64_t hash, size_t begin, const std::vector<int32_t>& out) {
    if (entries_.empty() || word.size() > kLongest || begin - first_ > UINT32_MAX) return;
    entries_[hash & (entries_.size() - 1)] = {
        static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(word.data() - text_),
        static_cast<uint32_t>(begin - first_), static_cast<uint16_t>(word.size()),
        static_cast<uint16_t>(out.size() - begin)};
  }

 private:
  static constexpr size_t kLongest = 64;  // longer ones seldom come again
  struct Entry {
    uint32_t tag = 0, word = 0, begin = 0;
    uint16_t length = 0, count = 0;
  };
  const char* text_;
  size_t first_;
  std::vector<Entry> entries_;
};

}  // namespace avocado
