#pragma once
// The merge rules of byte-pair encoding over token ids, and the one algorithm that applies them.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace avocado {

struct Merge {
  int32_t left, right;  // ids of the two symbols
  int32_t merged;       // id of what they become
  uint32_t rank;        // lower is applied first; below 2^31 - 1
};

class MergeTable {
 public:
  MergeTable() = default;
  // Of two rules for one pair the first counts.
  explicit MergeTable(const std::vector<Merge>& merges);

  // The rule for a pair, null when there is none.
  struct Slot {
    uint64_t pair;
    int32_t merged;
    uint32_t rank;
  };
  const Slot* find(int32_t left, int32_t right) const {
    const uint64_t pair = key(left, right), spread = pair * kMultiplier;
    const size_t bit = spread >> filter_shift_;
    if (!(filter_[bit / 64] >> (bit % 64) & 1)) return nullptr;
    for (size_t i = spread >> shift_;; i = (i + 1) & mask_) {
      if (slots_[i].pair == kEmpty) return nullptr;  // first: (-1, -1) spells kEmpty
      if (slots_[i].pair == pair) return &slots_[i];
    }
  }

  // Replaces neighbours by their merge until no rule applies: always the rule of lowest rank, and
  // of equal ranks the leftmost place. Symbols below 0 never merge. Takes O(n log n) steps for
  // long inputs.
  void apply(std::vector<int32_t>& symbols) const;

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0}, kMultiplier = 0x9e3779b97f4a7c15;
  static uint64_t key(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  void apply_short(std::vector<int32_t>& symbols) const;
  void apply_long(std::vector<int32_t>& symbols) const;

  std::vector<Slot> slots_ = {{kEmpty, -1, 0}, {kEmpty, -1, 0}};
  size_t mask_ = 1;
  int shift_ = 63;
  // One bit for each of eight places per rule: most pairs have no rule, and the bits fit the cache
  // that the slots do not fit.
  std::vector<uint64_t> filter_ = {0};
  int filter_shift_ = 58;
};

}  // namespace avocado
