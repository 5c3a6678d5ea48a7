#include "mutate.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include "base/philox.h"

namespace avocado::test {
namespace {

constexpr uint64_t kExtremes[] = {
    0,
    1,
    2,
    3,
    7,
    8,
    12,
    13,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    0x3fffffff,
    0x40000000,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x3fffffffffffffff,
    0x4000000000000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xfffffffffffffff0,
    0xffffffffffffffff,
    0x7f800000,
    0xff800000,
    0x7fc00000,
    0x7ff0000000000000,
    0x7ff8000000000000,  // inf and NaN
};

constexpr std::string_view kWords[] = {
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\\",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "1e-999",
    "0.5",
    "-0",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "\\ud800",
    "\\u0000",
    "\xff",
    "\xc3",
    "\n",
    "\x1b[2J",
    "\"\":",
    "[[[[[[[[[[[[[[[[",
    "__metadata__",
    "general.alignment",
    "\"type\":\"BPE\"",
    "\"type\":\"Unigram\"",
    "\"type\":\"Sequence\"",
    "(?=",
    "(a*)*b",
    "\\p{L}+",
    "[^",
    "{1,99999}",
    "(?i:",
};

class Damage {
 public:
  Damage(std::span<const std::byte> file, std::span<const std::byte> other, uint64_t number)
      : bytes_(file.begin(), file.end()), other_(other), random_(number, Purpose::test) {}

  std::vector<std::byte> apply() {
    const uint64_t edits = below(4) == 0 ? 1 + below(8) : 1;
    for (uint64_t i = 0; i < edits; ++i) edit();
    return std::move(bytes_);
  }

 private:
  uint64_t below(uint64_t n) { return random_.below(position_++, n); }

  // Half of the places are near the start, where formats keep their counts.
  size_t place() {
    const uint64_t size = bytes_.size();
    return size == 0 ? 0 : below(below(2) == 0 ? std::min<uint64_t>(size, 512) : size);
  }
  size_t length(size_t left) {
    return left == 0 ? 0 : below(below(2) == 0 ? std::min<size_t>(left, 16) : left) + 1;
  }

  void insert(size_t at, std::span<const std::byte> block) {
    bytes_.insert(bytes_.begin() + static_cast<std::ptrdiff_t>(at), block.begin(), block.end());
  }
  void insert(size_t at, std::string_view text) {
    insert(at, std::as_bytes(std::span(text.data(), text.size())));
  }

  void overwrite(size_t width) {
    const size_t at = place();
    uint64_t value =
        below(2) == 0 ? kExtremes[below(std::size(kExtremes))] : random_.u64(position_++);
    if (at + width > bytes_.size()) return;
    if (below(3) == 0) {  // a little more or less than what stands there
      uint64_t old = 0;
      std::memcpy(&old, bytes_.data() + at, width);
      value = old + below(9) - 4;
    }
    std::memcpy(bytes_.data() + at, &value, width);
  }

  void edit() {
    const size_t at = place();
    switch (below(14)) {
      case 0:
      case 1:
      case 2:
        if (!bytes_.empty()) bytes_[at] ^= std::byte{1} << static_cast<int>(below(8));
        break;
      case 3:
      case 4:
        return overwrite(1);
      case 5:
        return overwrite(2);
      case 6:
        return overwrite(4);
      case 7:
      case 8:
        return overwrite(8);
      case 9:
        bytes_.resize(below(2) == 0 ? at : below(bytes_.size() + 1));
        break;
      case 10: {
        const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(at);
        bytes_.erase(first, first + static_cast<std::ptrdiff_t>(length(bytes_.size() - at)));
        break;
      }
      case 11: {  // a block once more, or very often
        const size_t size = std::min<size_t>(length(bytes_.size() - at), 64);
        const std::vector<std::byte> block(bytes_.begin() + static_cast<std::ptrdiff_t>(at),
                                           bytes_.begin() + static_cast<std::ptrdiff_t>(at + size));
        const uint64_t times = below(16) == 0 ? below(20'000) : 1 + below(4);
        std::vector<std::byte> many;
        for (uint64_t i = 0; i < times; ++i) many.insert(many.end(), block.begin(), block.end());
        insert(at, many);
        break;
      }
      case 12: {  // a block of the other file over or between
        if (other_.empty()) break;
        const size_t from = below(other_.size());
        const auto block =
            other_.subspan(from, std::min<size_t>(length(other_.size() - from), 4096));
        if (below(2) == 0) {
          insert(at, block);
        } else {
          std::copy_n(block.begin(), std::min(block.size(), bytes_.size() - at),
                      bytes_.begin() + static_cast<std::ptrdiff_t>(at));
        }
        break;
      }
      default: {
        const std::string_view word = kWords[below(std::size(kWords))];
        if (below(64) == 0) {
          std::string many;
          for (int i = 0; i < 20'000; ++i) many += word;
          insert(at, many);
        } else if (below(2) == 0 && at + word.size() <= bytes_.size()) {
          std::memcpy(bytes_.data() + at, word.data(), word.size());
        } else {
          insert(at, word);
        }
      }
    }
  }

  std::vector<std::byte> bytes_;
  std::span<const std::byte> other_;
  Random random_;
  uint64_t position_ = 0;
};

}  // namespace

std::vector<std::byte> mutate(std::span<const std::byte> file, std::span<const std::byte> other,
                              uint64_t number) {
  return Damage(file, other, number).apply();
}

}  // namespace avocado::test
