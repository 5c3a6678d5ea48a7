#pragma once
// Whether bytes are UTF-8, one byte at a time.

#include <string_view>

namespace avocado::chat {

class Utf8Check {
 public:
  // False: the byte cannot stand here.
  bool push(unsigned char c) {
    if (left_ > 0) {
      if (c < low_ || c > high_) return false;
      --left_;
      low_ = 0x80;
      high_ = 0xbf;
      return true;
    }
    if (c < 0x80) return true;
    if (c < 0xc2 || c > 0xf4) return false;
    // Table 3-7 of the Unicode standard: after some first bytes the second has narrower bounds.
    left_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    low_ = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    high_ = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return true;
  }
  // Between two characters.
  bool whole() const { return left_ == 0; }

 private:
  int left_ = 0;
  unsigned char low_ = 0x80, high_ = 0xbf;
};

inline bool is_utf8(std::string_view text) {
  Utf8Check check;
  for (const char c : text) {
    if (!check.push(static_cast<unsigned char>(c))) return false;
  }
  return check.whole();
}

}  // namespace avocado::chat
