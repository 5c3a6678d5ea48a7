#pragma once
// Sets of Unicode code points, and how they look in UTF-8.

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace avocado::grammar {

inline constexpr uint32_t kLastCodePoint = 0x10ffff;

class CodeSet {
 public:
  struct Range {
    uint32_t low, high;  // both within
  };
  CodeSet() = default;
  CodeSet(std::initializer_list<Range> ranges) : ranges_(ranges) { normalize(); }
  static CodeSet all() { return {{0, kLastCodePoint}}; }
  // All code points whose general category is in the mask.
  static CodeSet of_class(unicode::ClassMask mask);

  void add(uint32_t low, uint32_t high) { ranges_.push_back({low, high}); }
  void add(const CodeSet& other);
  // Sorts and joins the ranges; to be called after the last add().
  void normalize();
  CodeSet inverted() const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

// The value of a hexadecimal digit, -1 for any other character.
constexpr int hex_digit(char c) {
  const int letter = c | 0x20;
  return c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

struct ByteRange {
  uint8_t low, high;
};

// Gives the range low..high as sequences of byte ranges: every product of one sequence's ranges is
// the UTF-8 of one of the code points. Surrogates are left out: they have no UTF-8.
void for_each_utf8_sequence(uint32_t low, uint32_t high,
                            const std::function<void(const ByteRange*, int)>& give);

}  // namespace avocado::grammar
