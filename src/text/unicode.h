#pragma once
// Unicode for tokenizers: UTF-8 that survives damaged input, general categories as bit masks, and
// the normal forms and case mappings of utf8proc.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace avocado::unicode {

// A set of character classes: one bit per general category (in utf8proc's order), and two bits for
// control characters that are white space, so that every set a pre-tokenizer names is one mask.
using ClassMask = uint32_t;

inline constexpr ClassMask bit(int category) { return ClassMask{1} << category; }

inline constexpr ClassMask kUpper = bit(1), kLower = bit(2), kTitle = bit(3),
                           kModifierLetter = bit(4), kOtherLetter = bit(5),
                           kNonspacingMark = bit(6), kDecimalDigit = bit(9),
                           kConnectorPunctuation = bit(12), kNewline = bit(31);  // \r and \n
inline constexpr ClassMask kLetter = kUpper | kLower | kTitle | kModifierLetter | kOtherLetter;
inline constexpr ClassMask kMark = bit(6) | bit(7) | bit(8);
inline constexpr ClassMask kNumber = bit(9) | bit(10) | bit(11);
inline constexpr ClassMask kPunctuation =
    bit(12) | bit(13) | bit(14) | bit(15) | bit(16) | bit(17) | bit(18);
inline constexpr ClassMask kSymbol = bit(19) | bit(20) | bit(21) | bit(22);
// White_Space: the separators, tab, newline, vertical tab, form feed, return and U+0085.
inline constexpr ClassMask kSpace = bit(23) | bit(24) | bit(25) | bit(30) | kNewline;
inline constexpr ClassMask kOtherControl =
    bit(0) | bit(26) | bit(27) | bit(28) | bit(29);  // Cn Cc Cf Cs Co

// The class of a code point, exactly one bit. Values above U+10FFFF count as unassigned.
ClassMask class_of(uint32_t code_point);

struct Decoded {
  uint32_t code_point;
  int length;  // bytes read; 0 at the end of the text
  bool valid;
};

// The character at `p`. A byte that does not belong to well-formed UTF-8 is one character on its
// own, U+FFFD, with valid = false.
Decoded decode(const char* p, const char* end);
void append_utf8(uint32_t code_point, std::string& out);
bool is_valid_utf8(std::string_view text);

// The class of the character at `p` and its length; no bit and length 0 at the end.
struct Peek {
  ClassMask cls;
  int length;
};
extern const std::array<ClassMask, 128> kAsciiClass;
Peek peek_multibyte(const char* p, const char* end);
inline Peek peek(const char* p, const char* end) {
  if (p == end) return {0, 0};
  const auto byte = static_cast<unsigned char>(*p);
  if (byte < 0x80) return {kAsciiClass[byte], 1};
  return peek_multibyte(p, end);
}

enum class NormalForm { nfc, nfd, nfkc, nfkd };
// Bytes that are not UTF-8 pass through unchanged and separate what is normalized around them.
std::string normalize(std::string_view text, NormalForm form);
// Lower case by character, with the one full mapping that is longer than a character (U+0130).
std::string lowercase(std::string_view text);
// Removes nonspacing marks (Mn); decompose first.
std::string strip_marks(std::string_view text);

}  // namespace avocado::unicode
