#include "grammar/code_set.h"

#include <algorithm>
#include <array>

namespace avocado::grammar {
namespace {

int encode(uint32_t c, std::array<uint8_t, 4>& out) {
  if (c < 0x80) {
    out[0] = static_cast<uint8_t>(c);
    return 1;
  }
  const int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; --i, c >>= 6) out[i] = static_cast<uint8_t>(0x80 | (c & 0x3f));
  constexpr uint8_t kLead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = static_cast<uint8_t>(kLead[length] | c);
  return length;
}

// Both ends have the same length in UTF-8. A range whose continuation bytes are not all free is
// split at the first place where they differ.
void split(uint32_t low, uint32_t high, const std::function<void(const ByteRange*, int)>& give) {
  for (uint32_t bits = 6; bits < 24; bits += 6) {
    const uint32_t mask = (1u << bits) - 1;
    if ((low & ~mask) == (high & ~mask)) break;
    if (low & mask) {
      split(low, low | mask, give);
      split((low | mask) + 1, high, give);
      return;
    }
    if ((high & mask) != mask) {
      split(low, (high & ~mask) - 1, give);
      split(high & ~mask, high, give);
      return;
    }
  }
  std::array<uint8_t, 4> first{}, last{};
  const int length = encode(low, first);
  encode(high, last);
  ByteRange ranges[4];
  for (int i = 0; i < length; ++i) ranges[i] = {first[i], last[i]};
  give(ranges, length);
}

}  // namespace

void CodeSet::add(const CodeSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
}

void CodeSet::normalize() {
  std::sort(ranges_.begin(), ranges_.end(),
            [](const Range& a, const Range& b) { return a.low < b.low; });
  size_t kept = 0;
  for (const Range& range : ranges_) {
    if (kept > 0 && range.low <= ranges_[kept - 1].high + 1) {
      ranges_[kept - 1].high = std::max(ranges_[kept - 1].high, range.high);
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
}

CodeSet CodeSet::inverted() const {
  CodeSet out;
  uint32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.low > next) out.add(next, range.low - 1);
    next = range.high + 1;
  }
  if (next <= kLastCodePoint) out.add(next, kLastCodePoint);
  return out;
}

CodeSet CodeSet::of_class(unicode::ClassMask mask) {
  CodeSet out;
  for (uint32_t c = 0; c <= kLastCodePoint; ++c) {
    if (!(unicode::class_of(c) & mask)) continue;
    uint32_t end = c;
    while (end < kLastCodePoint && unicode::class_of(end + 1) & mask) ++end;
    out.add(c, end);
    c = end;
  }
  return out;
}

void for_each_utf8_sequence(uint32_t low, uint32_t high,
                            const std::function<void(const ByteRange*, int)>& give) {
  constexpr CodeSet::Range kLengths[] = {
      {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, kLastCodePoint}};
  for (const CodeSet::Range& part : kLengths) {
    const uint32_t from = std::max(low, part.low), to = std::min(high, part.high);
    if (from <= to) split(from, to, give);
  }
}

}  // namespace avocado::grammar
