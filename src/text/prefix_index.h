#pragma once
// Finds which of many strings begin at a place in a text: the strings sorted, and a range of them
// narrowed byte by byte.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace avocado {

class PrefixIndex {
 public:
  PrefixIndex() = default;
  // Pairs of a string, which must outlive the index, and its id. Empty strings are left out; of
  // equal strings one is kept, the one that stands first.
  explicit PrefixIndex(std::vector<std::pair<std::string_view, int32_t>> strings)
      : strings_(std::move(strings)) {
    std::erase_if(strings_, [](const auto& s) { return s.first.empty(); });
    std::stable_sort(strings_.begin(), strings_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    strings_.erase(std::unique(strings_.begin(), strings_.end(), same), strings_.end());
    size_t i = 0;
    for (size_t byte = 0; byte < 256; ++byte) {
      first_[byte] = static_cast<uint32_t>(i);
      while (i < strings_.size() && static_cast<unsigned char>(strings_[i].first[0]) == byte) ++i;
    }
    first_[256] = static_cast<uint32_t>(i);
  }

  bool empty() const { return strings_.empty(); }
  bool may_start(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return first_[byte] != first_[byte + 1u];
  }

  // Calls found(length, id) for each string that `text` begins with, shortest first.
  template <class Found>
  void each_prefix(std::string_view text, Found&& found) const {
    if (text.empty()) return;
    const auto byte = static_cast<unsigned char>(text[0]);
    auto low = strings_.begin() + first_[byte], high = strings_.begin() + first_[byte + 1u];
    for (size_t length = 1; low != high; ++length) {
      // All strings in [low, high) share text[0, length); the one of just that length sorts first.
      if (low->first.size() == length) {
        found(length, low->second);
        ++low;
      }
      if (length == text.size() || low == high) return;
      const auto next = static_cast<unsigned char>(text[length]);
      const auto byte_at = [length](const auto& s) {
        return static_cast<unsigned char>(s.first[length]);
      };
      low = std::partition_point(low, high, [&](const auto& s) { return byte_at(s) < next; });
      high = std::partition_point(low, high, [&](const auto& s) { return byte_at(s) <= next; });
    }
  }

  // Length and id of the longest string that `text` begins with; length 0 when there is none.
  std::pair<size_t, int32_t> longest_prefix(std::string_view text) const {
    std::pair<size_t, int32_t> best{0, -1};
    each_prefix(text, [&](size_t length, int32_t id) { best = {length, id}; });
    return best;
  }

 private:
  std::vector<std::pair<std::string_view, int32_t>> strings_;
  std::array<uint32_t, 257> first_{};  // where strings with a first byte begin
};

}  // namespace avocado
