#include "text/merges.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <queue>

namespace avocado {
namespace {

constexpr size_t kShort = 512, kBlock = 16;
constexpr int32_t kNone = std::numeric_limits<int32_t>::max();

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges) {
  const size_t size = std::bit_ceil(merges.size() * 3 / 2 + 2);
  slots_.assign(size, {kEmpty, -1, 0});
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
  const size_t bits = std::max<size_t>(std::bit_ceil(merges.size() * 8), 64);
  filter_.assign(bits / 64, 0);
  filter_shift_ = 64 - std::countr_zero(bits);
  for (const Merge& merge : merges) {
    const uint64_t pair = key(merge.left, merge.right), spread = pair * kMultiplier;
    const size_t bit = spread >> filter_shift_;
    filter_[bit / 64] |= uint64_t{1} << (bit % 64);
    size_t i = spread >> shift_;
    while (slots_[i].pair != kEmpty && slots_[i].pair != pair) i = (i + 1) & mask_;
    if (slots_[i].pair == kEmpty) slots_[i] = {pair, merge.merged, merge.rank};
  }
}

void MergeTable::apply(std::vector<int32_t>& symbols) const {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShort) {
    apply_short(symbols);
  } else {
    apply_long(symbols);
  }
}

// Keeps the rank of every pair in place, and the lowest of each block of them: what a word needs is
// found by a few comparisons of neighbouring numbers, with nothing to allocate.
void MergeTable::apply_short(std::vector<int32_t>& symbols) const {
  const size_t count = symbols.size(), blocks = (count + kBlock - 1) / kBlock;
  int32_t* id = symbols.data();
  int32_t rank[kShort];    // of the pair that begins here
  int32_t merged[kShort];  // what that pair becomes
  int32_t lowest[kShort / kBlock];
  uint16_t next[kShort], previous[kShort];
  const auto look = [&](size_t i) {
    const Slot* slot = next[i] < count ? find(id[i], id[next[i]]) : nullptr;
    rank[i] = slot ? static_cast<int32_t>(slot->rank) : kNone;
    merged[i] = slot ? slot->merged : -1;
  };
  const auto refresh = [&](size_t block) {
    const int32_t* first = rank + block * kBlock;
    int32_t low = kNone;
    for (size_t i = 0; i < kBlock; ++i) low = std::min(low, first[i]);
    lowest[block] = low;
  };
  for (size_t i = 0; i < count; ++i) {
    next[i] = static_cast<uint16_t>(i + 1);
    previous[i] = static_cast<uint16_t>(i - 1);
    look(i);
  }
  std::fill(rank + count, rank + blocks * kBlock, kNone);
  for (size_t block = 0; block < blocks; ++block) refresh(block);
  for (;;) {
    size_t block = 0;
    for (size_t i = 1; i < blocks; ++i)
      if (lowest[i] < lowest[block]) block = i;
    if (lowest[block] == kNone) break;
    size_t at = block * kBlock;
    while (rank[at] != lowest[block]) ++at;
    const size_t gone = next[at];
    id[at] = merged[at];
    next[at] = next[gone];
    if (next[at] < count) previous[next[at]] = static_cast<uint16_t>(at);
    rank[gone] = kNone;
    look(at);
    refresh(block);
    if (gone / kBlock != block) refresh(gone / kBlock);
    if (at == 0) continue;
    look(previous[at]);
    refresh(previous[at] / kBlock);
  }
  size_t kept = 0;
  for (size_t i = 0; i < count; i = next[i]) id[kept++] = id[i];
  symbols.resize(kept);
}

// A queue of candidate pairs over a linked list. An entry is stale when the pair at its place has
// another rank by now; every pair that exists has a live entry.
void MergeTable::apply_long(std::vector<int32_t>& symbols) const {
  const auto count = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> next(count), previous(count);
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue;  // rank, then place
  const auto slot_at = [&](uint32_t i) {
    return next[i] < count ? find(symbols[i], symbols[next[i]]) : nullptr;
  };
  const auto push = [&](uint32_t i) {
    if (const Slot* slot = slot_at(i)) queue.push(uint64_t{slot->rank} << 32 | i);
  };
  constexpr int32_t kGone = std::numeric_limits<int32_t>::min();
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1;
    previous[i] = i - 1;  // of the first: 2^32 - 1, beyond any count
  }
  for (uint32_t i = 0; i < count; ++i) push(i);
  while (!queue.empty()) {
    const auto at = static_cast<uint32_t>(queue.top());
    const auto rank = static_cast<uint32_t>(queue.top() >> 32);
    queue.pop();
    if (symbols[at] == kGone) continue;
    const Slot* slot = slot_at(at);
    if (!slot || slot->rank != rank) continue;
    const uint32_t gone = next[at];
    symbols[at] = slot->merged;
    symbols[gone] = kGone;
    next[at] = next[gone];
    if (next[at] < count) previous[next[at]] = at;
    push(at);
    if (previous[at] < count) push(previous[at]);
  }
  std::erase(symbols, kGone);
}

}  // namespace avocado
